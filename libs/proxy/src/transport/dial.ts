import { connect as connectTcp, type NetConnectOpts, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { ConnectTimeoutError } from './transport-errors.js';

/* Opens the connections to upstreams. In one module, so that the simulation can replace them. */

/** Bytes that a connection reads ahead, and that it has room for. */
const HIGH_WATER_MARK_BYTES = 64 * 1024;

/** Most bytes of a read, as in Node. */
export const READ_BYTES = 64 * 1024;

/** Idle time in milliseconds after which the kernel sends TCP keep-alive probes. */
const KEEP_ALIVE_MS = 60_000;

export interface DialOptions {
  /** Longest time in milliseconds until the TCP (and TLS) connection is open. */
  readonly timeoutMs: number;
  /** TLS options; undefined without TLS. */
  readonly secure?: ConnectionOptions | undefined;
}

/** The option `onread` of `net.connect`: where the reads of a socket go. */
export interface Onread {
  readonly buffer: Buffer;
  /** @param length bytes of the read @returns whether to go on reading */
  readonly callback: (length: number) => boolean;
}

/** A socket that can be written to from its `openEvent` on. */
export interface OpeningSocket {
  readonly socket: Socket;
  readonly openEvent: 'connect' | 'secureConnect';
}

/** Opens a socket whose reads go to `onread`. */
export type OpenSocket = (onread: Onread) => OpeningSocket;

/**
 * Opens a connection, and destroys it with a `ConnectTimeoutError` if it is not open in time. Listens for errors until the
 * connection closes, since an exchange and `ws` each listen only for a part of the time.
 */
export function dial(options: NetConnectOpts, { timeoutMs, secure }: DialOptions): OpeningSocket {
  const socket = secure ? connectTls({ ...(options as ConnectionOptions), ...secure }) : connectTcp(options);
  let isDue = true;
  // In the next turn of the event loop: the connection may have opened during a long turn.
  const timer = setTimeout(() => setImmediate(giveUp), timeoutMs);
  const openEvent = secure ? 'secureConnect' : 'connect';
  const stop = (): void => {
    isDue = false;
    clearTimeout(timer);
    socket.off(openEvent, stop).off('close', stop);
  };
  function giveUp(): void {
    if (isDue) socket.destroy(new ConnectTimeoutError());
  }
  socket.on('error', ignore).once(openEvent, stop).once('close', stop);
  return { socket, openEvent };
}

/** Opens a connection for HTTP, as `dial` does. @param onread undefined for a connection that emits `data` */
export function dialHttp(
  { host, port }: { readonly host: string; readonly port: number },
  onread: Onread | undefined,
  options: DialOptions,
): OpeningSocket {
  // `onread` is in no type of `net.connect` that has a host.
  const target = { host, port, onread, highWaterMark: HIGH_WATER_MARK_BYTES } as NetConnectOpts;
  const opening = dial(target, options);
  opening.socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
  return opening;
}

/** Other listeners handle the errors. Shared: a closure for each connection would stay in V8's old generation. */
function ignore(): void {}
