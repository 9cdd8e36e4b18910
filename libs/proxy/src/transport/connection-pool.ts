import type { OpenSocket } from './dial.js';
import type { PoolOptions } from './pool-options.js';
import { PoolDestroyedError } from './transport-errors.js';
import type { UpstreamCall } from './upstream-call.js';
import { UpstreamConnection, type ConnectionOwner } from './upstream-connection.js';

/**
 * The connections to one instance. A call gets the connection that was free last, or a new one, or waits, in order. A
 * connection that closes is never used again.
 */
export class ConnectionPool implements ConnectionOwner {
  /** Connections opened since the pool was made. */
  opened = 0;
  /** Calls over a connection that had carried one before. */
  reused = 0;
  private readonly all = new Set<UpstreamConnection>();
  /** Free connections; the last was used last. */
  private readonly free: UpstreamConnection[] = [];
  /** Connections whose call ended in this turn of the event loop. */
  private freed: UpstreamConnection[] = [];
  /** Calls without a connection, in order. */
  private readonly waiting = new Set<UpstreamCall>();
  /** Connections that are not open yet. */
  private readonly opening = new Set<UpstreamConnection>();
  private isDestroyed = false;

  /** @param isOnce whether each connection carries one call only, so that no call meets a dead connection */
  constructor(
    private readonly open: OpenSocket,
    private readonly options: PoolOptions,
    private readonly isOnce: boolean,
  ) {}

  get connected(): number {
    return this.all.size - this.opening.size;
  }

  get pending(): number {
    return this.waiting.size;
  }

  get running(): number {
    return this.connected - this.free.length;
  }

  dispatch(call: UpstreamCall): void {
    if (this.isDestroyed) {
      call.onError(new PoolDestroyedError());
      return;
    }
    const connection = this.takeFree();
    if (connection) {
      this.start(connection, call);
      return;
    }
    this.waiting.add(call);
    this.openMissing();
  }

  /** Takes a call that waits for a connection back. */
  cancel(call: UpstreamCall): void {
    this.waiting.delete(call);
  }

  /** Closes connections that were unused for too long. @param now `performance.now()` */
  tick(now: number): void {
    if (this.free.length === 0) return;
    for (const connection of this.free.filter(({ idleUntil }) => idleUntil <= now)) connection.close();
  }

  /** Ends all connections, also those in use. */
  destroy(): void {
    this.isDestroyed = true;
    const error = new PoolDestroyedError();
    for (const call of this.waiting) {
      this.waiting.delete(call);
      call.onError(error);
    }
    for (const connection of this.all) connection.close(error);
  }

  onOpen(connection: UpstreamConnection): void {
    this.opening.delete(connection);
    this.opened++;
    this.serve(connection);
  }

  /**
   * The connection serves no other call in this turn of the event loop: Node may read the same socket again, after a read of
   * 64 KiB and for each record of TLS, and a byte too many would be taken for the response to the next request.
   */
  onFree(connection: UpstreamConnection): void {
    if (this.isOnce) connection.close();
    else if (this.freed.push(connection) === 1) setImmediate(this.serveFreed);
  }

  private readonly serveFreed = (): void => {
    const { freed } = this;
    this.freed = [];
    for (const connection of freed) if (this.all.has(connection)) this.serve(connection);
  };

  onClosed(connection: UpstreamConnection, error: Error | undefined): void {
    this.all.delete(connection);
    const at = this.free.indexOf(connection);
    if (at !== -1) this.free.splice(at, 1);
    if (this.opening.delete(connection)) this.failWaiting(error);
    this.openMissing();
  }

  /** Gives a connection to the call that waits longest. */
  private serve(connection: UpstreamConnection): void {
    if (this.waiting.size > 0) {
      const [call] = this.waiting;
      this.waiting.delete(call!);
      this.start(connection, call!);
    } else if (this.isOnce) {
      connection.close();
    } else {
      connection.idleUntil = performance.now() + Math.min(this.options.keepAliveMs, connection.keepAliveMs);
      this.free.push(connection);
    }
  }

  private start(connection: UpstreamConnection, call: UpstreamCall): void {
    if (connection.isReused) this.reused++;
    connection.start(call);
  }

  private takeFree(): UpstreamConnection | undefined {
    const connection = this.free.pop();
    if (!connection || connection.idleUntil > performance.now()) return connection;
    // The others were used even earlier, but a service may have given each its own time.
    connection.close();
    return this.takeFree();
  }

  /** Opens a connection for each call that waits, up to the limit. */
  private openMissing(): void {
    while (
      !this.isDestroyed &&
      this.opening.size < this.waiting.size &&
      this.all.size < this.options.maxConnections
    ) {
      const connection = new UpstreamConnection(this.open, this.options.headerLimitBytes, this);
      this.opening.add(connection);
      this.all.add(connection);
    }
  }

  /** A connection could not be opened: fails the call that waits longest, unless another connection is coming for it. */
  private failWaiting(error: Error | undefined): void {
    const [call] = this.waiting;
    if (!call || this.opening.size >= this.waiting.size) return;
    this.waiting.delete(call);
    call.onError(error ?? new PoolDestroyedError());
  }
}
