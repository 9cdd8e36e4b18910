import type { Instance } from '../balancing/instance.js';
import type { Stage } from '../http/exceptions.js';
import type { Exchange } from '../http/exchange.js';
import type { ResponseHead } from '../transport/response-head.js';
import type { ResponseListener } from '../transport/response-listener.js';
import type { CallConnection, UpstreamCall, UpstreamRequest } from '../transport/upstream-call.js';

/** Receives the response to an attempt, or its error. Nothing comes after `cancel`. */
export interface AttemptListener extends ResponseListener {
  onError(error: Error): void;
}

/** One dispatch of an exchange to one instance, with its stage and its connection. Records its times in the exchange. */
export class Attempt implements UpstreamCall {
  stage: Stage = 'connect';
  /** Whether a byte of a response has come. */
  hasResponse = false;
  private connection: CallConnection | undefined;

  constructor(
    private readonly exchange: Exchange,
    readonly instance: Instance,
    readonly request: UpstreamRequest,
    /** Changes when the response to a resumption goes on. */
    public listener: AttemptListener,
  ) {
    exchange.attemptCount++;
    exchange.instance = instance.origin;
    exchange.attemptedAt = performance.now();
    exchange.connectedAt = exchange.sentAt = exchange.responseAt = 0;
  }

  /** @param isFresh whether to open a new connection */
  start(isFresh: boolean): void {
    if (isFresh) this.instance.dispatchFresh(this);
    else this.instance.dispatch(this);
  }

  /** Gives the attempt up: takes it back from the queue, or closes its connection. */
  cancel(): void {
    if (this.connection) this.connection.cancel();
    else this.instance.cancel(this);
    this.connection = undefined;
  }

  /** Stops reading the response behind the bytes of this read. Call it in `onBody`. */
  pause(): void {
    this.connection?.pause();
  }

  resume(): void {
    this.connection?.resume();
  }

  onConnection(connection: CallConnection): void {
    const { exchange } = this;
    this.connection = connection;
    this.stage = this.request.body ? 'request_body' : 'response_headers';
    exchange.reusedConnection = connection.isReused;
    exchange.connectedAt = exchange.sentAt = performance.now();
  }

  onSent(): void {
    // The response may have begun before.
    if (this.stage !== 'request_body') return;
    this.stage = 'response_headers';
    this.exchange.sentAt = performance.now();
  }

  onFirstByte(): void {
    this.hasResponse = true;
  }

  onInterim(head: ResponseHead): void {
    this.listener.onInterim(head);
  }

  onHead(head: ResponseHead): void {
    this.stage = 'response_body';
    this.exchange.responseAt = performance.now();
    this.listener.onHead(head);
  }

  onBody(bytes: Buffer, isLast: boolean): void {
    this.listener.onBody(bytes, isLast);
  }

  onEnd(trailers: readonly string[]): void {
    this.connection = undefined;
    this.listener.onEnd(trailers);
  }

  onError(error: Error): void {
    this.listener.onError(error);
  }
}
