import type { ServerResponse } from 'node:http';
import { Changes } from './changes.js';
import type { UpstreamHandler } from './upstream-handler.js';

/** An event of an event stream (HTML standard, section 9.2). */
export interface FakeEvent {
  readonly id?: string;
  readonly event?: string;
  /** A text without a line break, or an object, which is sent as JSON. */
  readonly data: string | object;
}

/** A handler that opens event streams, which the test writes. */
export interface EventStreamHandler extends UpstreamHandler {
  /** The number of streams that have been opened so far. */
  readonly opened: number;
  /** Resolves when this many streams have been opened. @throws TestGatewayError if they are not */
  untilOpened(count: number): Promise<void>;
  /** Sends an event to all open streams. */
  send(event: FakeEvent): void;
  /** Ends all open streams cleanly. */
  end(): void;
  /** Resets the connections of all open streams. */
  break(): void;
}

/** Event streams whose events the test sends. */
export function eventStream(): EventStreamHandler {
  const streams = new Set<ServerResponse>();
  const changes = new Changes();
  let opened = 0;
  const handler: UpstreamHandler = (_request, response) => {
    streams.add(response);
    response.once('close', () => streams.delete(response));
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
    response.flushHeaders();
    opened++;
    changes.notify();
  };
  const methods = {
    untilOpened: async (count: number): Promise<void> => {
      await changes.until(
        () => opened >= count || undefined,
        () => `${opened} event streams were opened; the test waits for ${count}`,
      );
    },
    send: (event: FakeEvent): void => {
      for (const stream of streams) stream.write(formatEvent(event));
    },
    end: (): void => {
      for (const stream of streams) stream.end();
    },
    break: (): void => {
      for (const stream of streams) stream.socket?.resetAndDestroy();
    },
  };
  return Object.defineProperty(Object.assign(handler, methods), 'opened', {
    get: () => opened,
  }) as EventStreamHandler;
}

function formatEvent({ id, event, data }: FakeEvent): string {
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  const fields = [
    ...(id === undefined ? [] : [`id: ${id}`]),
    ...(event === undefined ? [] : [`event: ${event}`]),
  ];
  return `${[...fields, `data: ${text}`].join('\n')}\n\n`;
}
