import { connect as connectTcp, type NetConnectOpts, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import type { buildConnector } from 'undici';

/*
 * Opens the connections to upstreams. In one module, so that the simulation can replace them. undici itself opens those for
 * HTTP to `https://` instances, since it keeps TLS sessions (`upstream-tls.ts`).
 */

/** Bytes that a connection reads ahead, as in undici. */
const HIGH_WATER_MARK_BYTES = 64 * 1024;

/** Idle time in milliseconds after which the kernel sends TCP keep-alive probes. */
const KEEP_ALIVE_MS = 60_000;

export interface DialOptions {
  /** Longest time in milliseconds until the TCP (and TLS) connection is open. */
  readonly timeoutMs: number;
  /** TLS options; undefined without TLS. */
  readonly secure?: ConnectionOptions | undefined;
}

/**
 * Opens a connection, and destroys it with `ETIMEDOUT` if it is not open in time. Listens for errors until the connection
 * closes, since undici, `ws` and Node's HTTP client each listen only for a part of the time.
 */
export function dial(options: NetConnectOpts, { timeoutMs, secure }: DialOptions): Socket {
  const socket = secure ? connectTls({ ...(options as ConnectionOptions), ...secure }) : connectTcp(options);
  let isDue = true;
  // In the next turn of the event loop: the connection may have opened during a long turn.
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

/** Other listeners handle the errors. Shared: a closure for each connection would stay in V8's old generation. */
function ignore(): void {}

/**
 * Creates undici's connector for `http://` instances.
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
