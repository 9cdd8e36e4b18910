import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { FakeResponse, UpstreamHandler } from './upstream-handler.js';

/**
 * When a connection is reset: `request`, when the head of the request has come, before its body is read; `head`, when the request is
 * whole, before a byte of the response; `body`, within the body of the response.
 */
export type ResetStage = 'request' | 'head' | 'body';

/** The bytes of a body that breaks off, of those that its `Content-Length` promises. */
const PART = 'part';
const PROMISED_BYTES = 1_000;

/** A handler that resets the connection (TCP RST). */
export function reset(stage: ResetStage): UpstreamHandler {
  const handler: UpstreamHandler = async (_request, response) => {
    if (stage === 'body') await writePart(response);
    response.socket?.resetAndDestroy();
  };
  return Object.assign(handler, { isBeforeBody: stage === 'request' });
}

/** A handler that ends the connection cleanly (TCP FIN) within the body: fewer bytes than `Content-Length` says. */
export function shortBody(): UpstreamHandler {
  return async (_request, response) => {
    await writePart(response);
    response.socket?.end();
  };
}

/** A handler that never responds. The connection stays open until the gateway closes it. */
export function hang(): UpstreamHandler {
  return () => {};
}

/** A handler whose responses wait until the test releases them. */
export interface DelayedHandler extends UpstreamHandler {
  /** Sends the responses that wait, and all later ones at once. */
  release(): void;
}

/** Delays a response until `release()` is called. Give it to one upstream. */
export function delayed(response: FakeResponse): DelayedHandler {
  const { promise, resolve } = Promise.withResolvers<FakeResponse>();
  return Object.assign((): Promise<FakeResponse> => promise, { release: () => resolve(response) });
}

/** Resolves when the head and the part are written: a reset drops bytes that are not. */
async function writePart(response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'Content-Length': PROMISED_BYTES });
  if (!response.write(PART)) await once(response, 'drain');
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}
