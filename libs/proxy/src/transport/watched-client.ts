import type { Socket } from 'node:net';
import { Client, type buildConnector } from 'undici';
import { readOnAfterFailedWrites } from './failed-writes.js';
import { filterReads } from './read-buffer.js';
import { ResponseBounds, type ResponseFraming } from './response-bounds.js';

/** Events of one request: the methods of undici's `Dispatcher.DispatchHandler` that the forward uses. */
export interface ResponseHandler {
  /** Set before the request goes to a connection. */
  connection: ConnectionState | undefined;
  onRequestStart(controller: ResponseController): void;
  onRequestSent(): void;
  /** The first byte of a response came. */
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

/** The state of a connection that undici does not expose. */
export interface ConnectionState {
  /** A request goes out on the connection. @returns whether the connection has served before */
  begin(): boolean;
  /** undici has the whole response. Ends the connection if there were more bytes. */
  endResponse(framing: ResponseFraming): void;
  /**
   * The first error of the connection, also of a failed write. undici reports a TLS alert as a normal end, and a reset as the
   * end of a response without framing.
   */
  error: Error | undefined;
}

/** Pauses or aborts one response. */
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

/** A connection that gives the handler of a request the state that undici does not expose. */
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
  // undici's own listener is added later, so the error is set before the handler is called.
  socket.on('error', keepFirst);
  state.socket = socket;
  // Needed for health checks, which do not call `begin`.
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
      // Without the error, with which undici would fail requests that have not been sent.
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

  /** The connection is closed; the next request opens another. */
  reset(): void {
    this.bounds.stop();
    this.socket = undefined;
    this.error = undefined;
    this.served = false;
  }
}
