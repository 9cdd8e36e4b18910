import type { Attempt } from '../attempts/attempt.js';
import { exceptionFor } from '../attempts/exception-for.js';
import type { ProxyException } from '../http/exceptions.js';
import { GateFailedException } from '../http/team-code-exceptions.js';
import type { Exchange } from '../http/exchange.js';
import type { ResponseHead } from '../transport/response-head.js';
import { ClientBackPressure } from './client-back-pressure.js';
import { ClientResponse } from './client-response.js';
import type { EventStream } from './event-stream.js';
import type { ForwardOptions } from './forward-options.js';
import type { Heartbeat } from './heartbeat.js';

const CONTINUE = 100;
const EARLY_HINTS = 103;

/** The forward whose response is delivered. */
export interface DeliveredForward {
  readonly exchange: Exchange;
  readonly options: ForwardOptions;
  readonly loop: { readonly attempt: Attempt | undefined };
  readonly timeouts: { progressed(): void };
  /** All of the response has come. */
  settle(): void;
  fail(exception: ProxyException): void;
  /** The client has another response, and this one is not wanted. */
  abandon(): void;
}

/** Passes a service's response to the client as it comes. While the client does not read, the service is paused. */
export class ResponseDelivery {
  readonly client: ClientResponse;
  /** Undefined as long as the client reads as fast as the service sends. */
  backPressure: ClientBackPressure | undefined;
  private hasShownAttempts = false;

  constructor(private readonly forward: DeliveredForward) {
    this.client = new ClientResponse(forward.exchange, forward.options);
  }

  onInterim({ status, headers }: ResponseHead): void {
    const { exchange, options } = this.forward;
    if (status === EARLY_HINTS) this.client.writeEarlyHints(headers);
    else if (status === CONTINUE && options.passesExpect) exchange.writeContinue();
  }

  /** The head goes to the client at once. */
  onResponse(head: ResponseHead): void {
    const { forward } = this;
    const { exchange, options } = forward;
    forward.timeouts.progressed();
    this.showAttempts();
    options.affinity?.describe(exchange);
    try {
      for (const gate of options.observers) gate.onResponse!(exchange, head.status);
    } catch (error) {
      forward.fail(new GateFailedException(error));
      return;
    }
    try {
      const changed = options.listeners?.onResponse(exchange, head) ?? head;
      if (exchange.response.headersSent) forward.abandon();
      else this.client.begin(changed);
    } catch (error) {
      forward.fail(exceptionFor(error as Error, options.upstream, 'response_headers'));
    }
  }

  onBody(bytes: Buffer, isLast: boolean): void {
    const { forward, client } = this;
    if (forward.exchange.response.writableEnded) {
      forward.abandon();
      return;
    }
    forward.exchange.responseBytes += bytes.length;
    forward.timeouts.progressed();
    const { events } = client;
    const passed = events ? events.stream.pass(bytes) : bytes;
    const endedBy = events?.endedBy;
    // `onEnd` is next.
    if (isLast && !endedBy) {
      client.endWith(passed);
      return;
    }
    const hasRoom = client.write(passed);
    if (endedBy) this.finishEarly(endedBy);
    else if (!hasRoom) this.pause();
  }

  onEnd(trailers: readonly string[]): void {
    this.forward.settle();
    this.client.end(trailers);
  }

  /** That of an event stream that has begun. */
  get heartbeat(): Heartbeat | undefined {
    return this.client.events?.heartbeat;
  }

  /** The events of a stream that can be resumed now; undefined if it cannot. */
  get resumable(): EventStream | undefined {
    return this.client.events?.resumable;
  }

  /** The response to another attempt goes on with the stream. */
  onResumed(): void {
    this.forward.timeouts.progressed();
    this.resumable!.resume();
  }

  /** Whether the service is paused until the client reads. */
  get isPaused(): boolean {
    return this.backPressure?.isPaused ?? false;
  }

  private pause(): void {
    const { exchange, options, loop } = this.forward;
    this.backPressure ??= new ClientBackPressure(exchange, options, (exception) =>
      this.forward.fail(exception),
    );
    this.backPressure.pause(loop.attempt!);
  }

  /** The client has read what it was sent. */
  resume(): void {
    this.forward.timeouts.progressed();
    this.backPressure!.resume(this.forward.loop.attempt!);
  }

  /** Ends the response before the service does: an event stream behind the event in progress, any other by a failure. */
  endEarly(exception: ProxyException, retryMs?: number): void {
    const { events } = this.client;
    if (!events) this.forward.fail(exception);
    else if (events.endBehindEvent(exception, retryMs)) this.finishEarly(exception);
  }

  /** Ends the response normally: all of its events are complete. */
  finishEarly(exception: ProxyException): void {
    const { forward } = this;
    forward.abandon();
    forward.exchange.failure = exception;
    this.client.events!.end();
  }

  /** Adds the number of attempts to the response once, if the options say so. */
  showAttempts(): void {
    const { exchange, options } = this.forward;
    if (!options.showsAttempts || this.hasShownAttempts) return;
    this.hasShownAttempts = true;
    exchange.responseHeaders.push('X-Gateway-Attempts', String(exchange.attemptCount));
  }
}
