import type { IncomingMessage, ServerResponse } from 'node:http';
import { Changes } from './changes.js';
import { FakeInstance } from './fake-instance.js';
import { FakeSockets, type FakeSocket, type WebSocketHandler } from './fake-sockets.js';
import { recordHead, recordWhole, type RecordedRequest } from './recorded-request.js';
import { writeResponse, type FakeResponse, type UpstreamHandler } from './upstream-handler.js';

/** How a fake upstream responds. All fields are optional. */
export interface FakeUpstreamOptions {
  /** Its name in errors. Default: `upstream`. */
  readonly name?: string;
  /** The number of instances, each with a port of its own. Default: 1. */
  readonly instances?: number;
  /** Responds to all requests, until `respondWith` replaces it. Default: none; then each request gets 501. */
  readonly response?: FakeResponse | UpstreamHandler;
  /** Called with each WebSocket; or a response that refuses the handshakes. Default: none; then each handshake gets 501. */
  readonly webSocket?: WebSocketHandler | FakeResponse;
  /** The path of health checks, which are neither recorded nor given to handlers. Default: none. */
  readonly healthPath?: string | undefined;
  /** Milliseconds of real time that a test waits for a request, a WebSocket or a message. Default: 4000. */
  readonly waitMs?: number | undefined;
}

/** A service of the test: records each request and WebSocket, and responds as the test says. */
export class FakeUpstream implements AsyncDisposable {
  /** All requests so far, in the order in which they were whole. */
  readonly requests: readonly RecordedRequest[] = [];
  /** All WebSockets so far, in order. */
  readonly sockets: readonly FakeSocket[];
  readonly instances: readonly FakeInstance[] = [];
  readonly name: string;
  private readonly healthPath: string | undefined;
  private readonly once: UpstreamHandler[] = [];
  private handler: UpstreamHandler;
  private readonly accepting: FakeSockets;
  private readonly changes: Changes;

  private constructor({ name = 'upstream', response, webSocket, healthPath, waitMs }: FakeUpstreamOptions) {
    this.name = name;
    this.healthPath = healthPath;
    this.changes = new Changes(waitMs);
    this.handler = response === undefined ? this.refuse : handlerOf(response);
    this.accepting = new FakeSockets(name, webSocket, waitMs);
    this.sockets = this.accepting.all;
  }

  /** Starts a fake upstream by itself. `startTestGateway` starts one for each upstream of the application. */
  static async start(options: FakeUpstreamOptions = {}): Promise<FakeUpstream> {
    const upstream = new FakeUpstream(options);
    const instances = upstream.instances as FakeInstance[];
    for (let index = 0; index < (options.instances ?? 1); index++) {
      instances.push(
        await FakeInstance.start(
          (request, response) => void upstream.onRequest(request, response, index),
          (request, socket, head) =>
            upstream.accepting.onUpgrade(recordHead(request, index), { request, socket, head }),
        ),
      );
    }
    return upstream;
  }

  /** The addresses of all instances. */
  get urls(): readonly string[] {
    return this.instances.map(({ url }) => url);
  }

  /** Responds to all further requests by a handler, or with one response. */
  respondWith(response: FakeResponse | UpstreamHandler): void {
    this.handler = handlerOf(response);
  }

  /** Responds to the next request only. Several calls are for the next requests, in order. */
  respondOnceWith(response: FakeResponse | UpstreamHandler): void {
    this.once.push(handlerOf(response));
  }

  /** Gives all further WebSockets to a handler, or refuses their handshakes with a response. */
  acceptWith(webSocket: WebSocketHandler | FakeResponse): void {
    this.accepting.handler = webSocket;
  }

  /** Resolves with all requests once there are this many. @throws TestGatewayError if they do not come */
  received(count: number): Promise<readonly RecordedRequest[]> {
    return this.changes.until(
      () => (this.requests.length >= count ? this.requests : undefined),
      () => `${this.name} got ${this.requests.length} requests; the test waits for ${count}`,
    );
  }

  /** Resolves with a WebSocket, past or future. @param index the first is 0 @throws TestGatewayError if it does not come */
  socket(index = 0): Promise<FakeSocket> {
    return this.accepting.at(index);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.accepting.terminate();
    await Promise.all(this.instances.map((instance) => instance[Symbol.asyncDispose]()));
  }

  private async onRequest(
    incoming: IncomingMessage,
    response: ServerResponse,
    instance: number,
  ): Promise<void> {
    // A request of a client has the headers of a proxy.
    if (incoming.url === this.healthPath && incoming.headers['x-forwarded-for'] === undefined) {
      writeResponse(response, { status: this.instances[instance]!.isHealthy ? 200 : 503 });
      return;
    }
    const handler = this.once.shift() ?? this.handler;
    const request = handler.isBeforeBody
      ? recordHead(incoming, instance)
      : await recordWhole(incoming, instance);
    (this.requests as RecordedRequest[]).push(request);
    this.changes.notify();
    await this.respond(handler, request, response);
  }

  private async respond(
    handler: UpstreamHandler,
    request: RecordedRequest,
    response: ServerResponse,
  ): Promise<void> {
    try {
      const whole = await handler(request, response);
      if (whole && !response.headersSent) writeResponse(response, whole);
    } catch (error) {
      const text = `The handler of the fake upstream ${this.name} failed: ${String(error)}`;
      if (response.headersSent) response.destroy();
      else writeResponse(response, { status: 500, body: text });
    }
  }

  private readonly refuse: UpstreamHandler = ({ method, path }) => ({
    status: 501,
    body: `The fake upstream ${this.name} got ${method} ${path}, and the test gave it no response`,
  });
}

function handlerOf(response: FakeResponse | UpstreamHandler): UpstreamHandler {
  return typeof response === 'function' ? response : () => response;
}
