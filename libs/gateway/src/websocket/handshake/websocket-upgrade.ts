import type { Socket } from 'node:net';
import { limitReadAhead } from '../../http/node-internals.js';
import type { ProxyRoute, Upgrade } from '@app/proxy/internal';
import { BudgetAccount, BudgetShare, type ByteBudget } from '../relay/byte-budget.js';
import { CHUNK_COST_BYTES } from '../relay/incoming-frames.js';
import type { WebSocketRoute } from './websocket-route.js';

/**
 * Most bytes that the gateway reads from a client before its 101, including the cost of each chunk. RFC 6455, section
 * 4.1, allows a client to send none. Above the limit the socket is paused, and further bytes wait in the kernel.
 */
const EARLY_BYTES = 16 * 1024;

/** A request that asks for a WebSocket, and the bytes that its client has sent behind it. */
export class WebSocketUpgrade implements Upgrade {
  readonly route: ProxyRoute;
  private readonly early: Buffer[] = [];
  /** Number of early bytes, including the cost of each chunk. */
  private earlyCost = 0;

  /** @param head bytes that the client sent right after its request; HTTP has read one chunk of them at most */
  constructor(
    readonly webSocketRoute: WebSocketRoute,
    readonly socket: Socket,
    head: Buffer,
  ) {
    this.route = webSocketRoute.proxyRoute;
    limitReadAhead(socket);
    if (head.length > 0) this.add(head);
  }

  /**
   * Reads the connection during the handshake, so that the gateway notices when the client leaves: no other code reads
   * the connection then, and Node reports the client's end only to a reader. Destroys the connection at the client's
   * end.
   * @param budget budget of the early bytes while the gateway reads
   * @returns a function that stops reading
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
    socket.on('data', onData).on('end', destroySocket);
    if (!pauseIfFull()) socket.resume();
    return () => {
      socket.off('data', onData).off('end', destroySocket).pause();
      share.set(0);
    };
  }

  /** The bytes that the client sent before its 101. */
  get head(): Buffer {
    return Buffer.concat(this.early);
  }

  private add(bytes: Buffer): void {
    this.early.push(bytes);
    this.earlyCost += bytes.length + CHUNK_COST_BYTES;
  }
}

function destroySocket(this: Socket): void {
  this.destroy();
}
