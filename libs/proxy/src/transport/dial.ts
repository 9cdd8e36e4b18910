import { connect as connectTcp, type NetConnectOpts, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import type { buildConnector } from 'undici';

/*
 * Opens the connections to upstreams: one module, so that the simulation can carry them itself. Those to `https://`
 * instances for HTTP are undici's own, which keeps TLS sessions (`upstream-tls.ts`).
 */

/** Bytes that a connection reads ahead; what undici takes. */
const HIGH_WATER_MARK_BYTES = 64 * 1024;

/** Silence after which the kernel asks the other end whether the connection still stands, in milliseconds. */
const KEEP_ALIVE_MS = 60_000;

export interface DialOptions {
  /** Milliseconds until the TCP (and TLS) connection must stand. */
  readonly timeoutMs: number;
  /** How the instance is authenticated; undefined for one without TLS. */
  readonly secure?: ConnectionOptions | undefined;
}

/**
 * Begins a connection, and destroys it with `ETIMEDOUT` if it does not stand in time. Owns the connection's errors until it
 * closes, since undici, `ws` and Node's HTTP client listen only for a time each.
 */
export function dial(options: NetConnectOpts, { timeoutMs, secure }: DialOptions): Socket {
  const socket = secure ? connectTls({ ...(options as ConnectionOptions), ...secure }) : connectTcp(options);
  let isDue = true;
  // In the next turn of the event loop: the connection may stand since a turn that took long.
  const timer = setTimeout(() => setImmediate(giveUp), timeoutMs);
  const connected = secure ? 'secureConnect' : 'connect';
  const stop = (): void => {
    isDue = false;
    clearTimeout(timer);
    socket.off(connected, stop).off('close', stop);
  };
  function giveUp(): void {
    if (isDue) socket.destroy(Object.assign(new Error('connect timeout'), { code: 'ETIMEDOUT' }));
  }
  return socket.on('error', ignore).once(connected, stop).once('close', stop);
}

/** Others hear of the same errors. Shared: a closure for each connection would stay in V8's old generation. */
function ignore(): void {}

/**
 * Creates what undici opens its connections to `http://` instances with.
 * @param options of `net.connect`, for every connection
 */
export function tcpConnector(options: object, timeoutMs: number): buildConnector.connector {
  return ({ hostname, port }, done) => {
    const target = {
      highWaterMark: HIGH_WATER_MARK_BYTES,
      ...options,
      host: hostname,
      port: Number(port || 80),
    };
    const socket = dial(target, { timeoutMs });
    const onConnect = (): void => {
      socket.off('error', onError);
      done(null, socket);
    };
    const onError = (error: Error): void => {
      socket.off('connect', onConnect);
      done(error, null);
    };
    socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
    socket.once('connect', onConnect).once('error', onError);
  };
}
