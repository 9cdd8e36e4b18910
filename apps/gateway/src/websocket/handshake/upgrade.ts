import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { limitReadAhead, linger } from '@app/gateway';
import { BudgetAccount, BudgetShare, type ByteBudget } from '../relay/byte-budget.js';
import { CHUNK_COST_BYTES } from '../relay/incoming-messages.js';
import type { WebSocketRoute } from './websocket-route.js';

/**
 * Bytes, with the cost of each chunk, that are read of what a client sends before its 101; RFC 6455, section 4.1, allows
 * none. Past it the socket is not read: the rest waits in the kernel.
 */
const EARLY_BYTES = 16 * 1024;

/** A request that asks for a WebSocket, with its connection, which HTTP does not read any more. */
export class Upgrade {
  private readonly early: Buffer[] = [];
  /** Early bytes, with the cost of each chunk. */
  private earlyCost = 0;

  /** @param head bytes that the client sent right behind its request, of which HTTP reads one chunk at most */
  constructor(
    readonly route: WebSocketRoute,
    readonly socket: Socket,
    head: Buffer,
  ) {
    limitReadAhead(socket);
    if (head.length > 0) this.add(head);
  }

  /**
   * Reads the connection, so that a client which leaves is noticed: no other code reads a connection during its handshake, and
   * an end that nobody reads never closes it. Destroys the connection at the client's end.
   * @param budget of the early bytes until then
   * @returns stops reading
   */
  startReading(budget: ByteBudget): () => void {
    const { socket } = this;
    const share = new BudgetShare(new BudgetAccount(budget, this));
    const pauseIfFull = (): boolean => {
      const isFull = !share.set(this.earlyCost) || this.earlyCost >= EARLY_BYTES;
      if (isFull) socket.pause();
      return isFull;
    };
    const onData = (bytes: Buffer): void => {
      this.add(bytes);
      pauseIfFull();
    };
    socket.on('data', onData).on('end', destroyThis);
    if (!pauseIfFull()) socket.resume();
    return () => {
      socket.off('data', onData).off('end', destroyThis).pause();
      share.set(0);
    };
  }

  /** The bytes that came before the 101. */
  get head(): Buffer {
    return Buffer.concat(this.early);
  }

  private add(bytes: Buffer): void {
    this.early.push(bytes);
    this.earlyCost += bytes.length + CHUNK_COST_BYTES;
  }
}

/**
 * The response to a request that asks for an upgrade, so that the request passes the same middleware and gates as every
 * other and is refused by the same responder. Node makes none for it. The connection ends with the response.
 */
export class UpgradeResponse extends ServerResponse {
  constructor(
    request: IncomingMessage,
    readonly upgrade: Upgrade,
  ) {
    super(request);
    const { socket } = upgrade;
    this.shouldKeepAlive = false;
    // Owns the connection's errors until it closes. Other listeners may come and go.
    // Shared: a closure for each request would stay in V8's old generation.
    socket.on('error', destroyThis);
    this.assignSocket(socket);
    this.once('finish', () => {
      this.release();
      linger(socket);
    });
  }

  /** Ends the part of HTTP in the connection: listeners of the response's end are called, and the socket goes on. */
  release(): void {
    this.detachSocket(this.upgrade.socket);
    this.emit('close');
  }
}

function destroyThis(this: Socket): void {
  this.destroy();
}
