import type { Socket } from 'node:net';
import { Client, type buildConnector } from 'undici';
import { readOnAfterFailedWrites } from './failed-writes.js';
import { filterReads } from './read-buffer.js';
import { ResponseBounds, type ResponseFraming } from './response-bounds.js';

/** What undici tells about one request; the methods of `Dispatcher.DispatchHandler` that the forward uses. */
export interface ResponseHandler {
  /** Set before the request goes to a connection. */
  connection: ConnectionState | undefined;
  onRequestStart(controller: ResponseController): void;
  onRequestSent(): void;
  /** The first byte of a response is there. */
  onResponseStarted(): void;
  onResponseStart(
    controller: ResponseController,
    status: number,
    headers: unknown,
    statusText?: string,
  ): void;
  onResponseData(controller: ResponseController, chunk: Buffer): void;
  onResponseEnd(controller: ResponseController): void;
  onResponseError(controller: ResponseController | undefined, error: Error): void;
}

/** What undici keeps to itself about a connection. */
export interface ConnectionState {
  /** Whether the connection has served before; to be asked once, when a request goes out on it. */
  begin(): boolean;
  /** undici has the whole response: if more came with it, the connection is ended. */
  endResponse(framing: ResponseFraming): void;
  /**
   * The first error of the connection, failed writes included. undici reports a TLS alert as a mere end, and the reset of a
   * response without framing as complete.
   */
  error: Error | undefined;
}

/** Holds one response back, or ends it. */
export interface ResponseController {
  /** Name, value, name, value, as bytes. */
  readonly rawHeaders?: unknown;
  readonly rawTrailers?: unknown;
  abort(reason: Error): void;
  pause(): void;
  resume(): void;
}

interface WatchedClientOptions {
  readonly connect: buildConnector.connector;
  readonly maxHeaderSize: number;
}

/** A connection that tells the handler of a request what undici does not: whether it has served, how it broke. */
export class WatchedClient extends Client {
  private readonly state: WatchedState;

  constructor(url: URL, options: object, onReuse: () => void) {
    const { connect, maxHeaderSize } = options as WatchedClientOptions;
    const state = new WatchedState(onReuse, maxHeaderSize);
    super(url, {
      ...options,
      connect: (target, done) =>
        connect(target, (...result) => {
          if (result[1]) watch(result[1], state);
          done(...result);
        }),
    });
    this.state = state;
    this.on('disconnect', () => state.reset());
  }

  override dispatch(
    options: Parameters<Client['dispatch']>[0],
    handler: Parameters<Client['dispatch']>[1],
  ): boolean {
    (handler as Partial<ResponseHandler>).connection = this.state;
    return super.dispatch(options, handler);
  }
}

function watch(socket: Socket, state: WatchedState): void {
  const keepFirst = (error: Error): void => void (state.error ??= error);
  // undici's own listener comes later, so the reason stands before the handler hears of an end.
  socket.on('error', keepFirst);
  state.socket = socket;
  // For health checks too, which undici carries by itself.
  state.bounds.expectResponse();
  filterReads(socket, state.bounds);
  readOnAfterFailedWrites(socket, keepFirst);
}

class WatchedState implements ConnectionState {
  error: Error | undefined;
  private served = false;

  socket: Socket | undefined;
  readonly bounds: ResponseBounds;

  constructor(
    private readonly onReuse: () => void,
    headLimitBytes: number,
  ) {
    this.bounds = new ResponseBounds(headLimitBytes, () => {
      // The code that failure.ts reads as a lost connection.
      this.error ??= Object.assign(new Error('bytes behind a response'), { code: 'UND_ERR_SOCKET' });
      // Without the error: undici would fail requests that have not been sent with it.
      this.socket?.destroy();
    });
  }

  begin(): boolean {
    const { served } = this;
    if (served) this.onReuse();
    this.served = true;
    this.bounds.expectResponse();
    return served;
  }

  endResponse(framing: ResponseFraming): void {
    this.bounds.endResponse(framing);
  }

  /** The next request finds another connection. */
  reset(): void {
    this.bounds.stop();
    this.socket = undefined;
    this.error = undefined;
    this.served = false;
  }
}
