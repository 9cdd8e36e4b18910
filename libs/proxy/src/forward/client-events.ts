import type { ServerResponse } from 'node:http';
import { responseHeadersFor } from '../headers/response-headers.js';
import type { ProxyException } from '../http/exceptions.js';
import type { ResponseHead } from '../transport/response-head.js';
import { EventStream } from './event-stream.js';
import type { EventStreamOptions } from './forward-options.js';
import { Heartbeat } from './heartbeat.js';

const OK = 200;

/** The events of a client's response: their end behind a whole event, their heartbeat, and whether they can be resumed. */
export class ClientEvents {
  readonly stream: EventStream;
  /** Undefined if the route has none. */
  readonly heartbeat: Heartbeat | undefined;
  private retryMs: number | undefined;
  /** The reason if the response is to end behind the event in progress. */
  private endReason: ProxyException | undefined;

  /** @param status of the response */
  constructor(
    private readonly response: ServerResponse,
    { resumes, heartbeatMs }: EventStreamOptions,
    status: number,
  ) {
    const { method, headers } = response.req;
    const isResumable = resumes && method === 'GET' && status === OK;
    this.stream = new EventStream(isResumable, String(headers['last-event-id'] ?? ''));
    this.heartbeat = heartbeatMs > 0 ? new Heartbeat(response, this.stream, heartbeatMs) : undefined;
  }

  /**
   * Ends the stream behind the event in progress.
   * @param retryMs after which the client is told to come back. Default: it is told nothing
   * @returns whether it is between two events now; if not, `stream.pass` will find the end
   */
  endBehindEvent(reason: ProxyException, retryMs?: number): boolean {
    this.endReason = reason;
    this.retryMs = retryMs;
    return this.stream.endBehindEvent();
  }

  /** The reason of `endBehindEvent`, once the event in progress has ended. */
  get endedBy(): ProxyException | undefined {
    return this.stream.isEnded ? this.endReason : undefined;
  }

  /** Ends the response behind a whole event. */
  end(): void {
    this.response.end(this.retryMs === undefined ? undefined : `retry: ${this.retryMs}\n\n`);
  }

  /** The stream if it can be resumed now; undefined if it cannot. */
  get resumable(): EventStream | undefined {
    const { stream, response } = this;
    const isResumable = stream.isResumable && stream.lastEventId !== '' && stream.isBetweenEvents;
    return isResumable && !response.writableEnded ? stream : undefined;
  }
}

/** Whether a response can go on with an event stream: a 200 with events that can be told apart. */
export function hasClearEvents({ status, headers, contentLength }: ResponseHead): boolean {
  if (status !== OK || contentLength !== -1) return false;
  const { isEventStream, isEncoded } = responseHeadersFor(headers, [], status, true);
  return isEventStream && !isEncoded;
}
