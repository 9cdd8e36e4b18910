import { connect as connectTcp, type NetConnectOpts, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';

/**
 * Connects to a service, and gives up with `ETIMEDOUT`.
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
  return socket.once(connected, stop).once('close', stop);
}
