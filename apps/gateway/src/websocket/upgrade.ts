import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { linger } from '../server/lingering-close.js';

/** Bytes that a client may send before its 101; RFC 6455, section 4.1, allows none. Past it the socket is not read. */
const EARLY_BYTES = 64 * 1024;

/** A request that asks for a WebSocket, with its connection, which HTTP does not read any more. */
export class Upgrade {
  private readonly early: Buffer[] = [];
  private earlyBytes = 0;

  constructor(
    readonly socket: Socket,
    /** Bytes that the client sent right behind its request. */
    head: Buffer,
  ) {
    this.keep(head);
  }

  /**
   * Reads the connection until `stopReading`, so that a client which leaves is noticed: nobody else reads a connection
   * during its handshake, and an end that nobody reads never closes it. Destroys the connection at the client's end.
   */
  startReading(): void {
    this.socket.on('data', this.keep).on('end', destroyThis).resume();
  }

  stopReading(): void {
    this.socket.off('data', this.keep).off('end', destroyThis).pause();
  }

  /** The bytes that came before the 101. */
  get head(): Buffer {
    return Buffer.concat(this.early);
  }

  private readonly keep = (bytes: Buffer): void => {
    if (bytes.length === 0) return;
    this.early.push(bytes);
    this.earlyBytes += bytes.length;
    if (this.earlyBytes >= EARLY_BYTES) this.socket.pause();
  };
}

const upgrades = new WeakMap<IncomingMessage, Upgrade>();

/** The upgrade that a request asks for; undefined for plain requests. */
export function upgradeOf(request: IncomingMessage): Upgrade | undefined {
  return upgrades.get(request);
}

/**
 * Makes a response for a request that asks for an upgrade, so that it passes the same middleware and gates as every
 * other and is refused by the same responder. Node has none for it. The connection ends with the response.
 */
export function responseFor(request: IncomingMessage, upgrade: Upgrade): ServerResponse {
  const { socket } = upgrade;
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  // Owns the connection's errors until it closes, whoever else listens.
  // Shared: a closure for each request would stay in V8's old generation.
  socket.on('error', destroyThis);
  response.assignSocket(socket);
  response.once('finish', () => {
    release(response, socket);
    linger(socket);
  });
  upgrades.set(request, upgrade);
  return response;
}

function destroyThis(this: Socket): void {
  this.destroy();
}

/** Ends the part of HTTP in a connection: whoever waits for the response's end hears of it, and the socket goes on. */
export function release(response: ServerResponse, socket: Socket): void {
  response.detachSocket(socket);
  response.emit('close');
}
