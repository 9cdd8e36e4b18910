import { connect as connectTcp, type NetConnectOpts, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';

/**
 * Connects to a service, and gives up with `ETIMEDOUT`. Owns the connection's errors until it closes, since those who use
 * it, Node's HTTP client and `ws`, listen only for a time each.
 * @param timeoutMs until the TCP (and TLS) connection stands
 * @param secure how the instance is to be proven; undefined for one without TLS
 */
export function connectWithin(
  timeoutMs: number,
  secure: ConnectionOptions | undefined,
  options: NetConnectOpts,
): Socket {
  // `path` is the request's here; for a socket it would name a Unix domain.
  const plain = { ...options, path: undefined } as ConnectionOptions;
  const socket = secure ? connectTls({ ...plain, ...secure }) : connectTcp(plain as NetConnectOpts);
  const timer = setTimeout(() => {
    socket.destroy(Object.assign(new Error('connect timeout'), { code: 'ETIMEDOUT' }));
  }, timeoutMs);
  const connected = secure ? 'secureConnect' : 'connect';
  const stop = (): void => {
    clearTimeout(timer);
    socket.off(connected, stop).off('close', stop);
  };
  return socket.on('error', ignore).once(connected, stop).once('close', stop);
}

/** Whoever uses the connection hears of its errors too. Shared: a closure for each request would stay in V8's old generation. */
function ignore(): void {}
