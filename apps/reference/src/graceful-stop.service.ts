import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';

const QUIET_MS = 1_000;

/** At a stop, ends connections by `Connection: close` in a response, so that no request on its way is lost. */
@Injectable()
export class GracefulStopService implements BeforeApplicationShutdown {
  readonly #inFlight = new Set<ServerResponse>();
  #stopping = false;

  constructor(private readonly adapterHost: HttpAdapterHost) {}

  readonly track = (_request: IncomingMessage, response: ServerResponse, next: () => void): void => {
    if (this.#stopping) response.setHeader('Connection', 'close');
    this.#inFlight.add(response);
    response.once('close', () => this.#inFlight.delete(response));
    next();
  };

  async beforeApplicationShutdown(signal?: string): Promise<void> {
    this.#stopping = true;
    for (const response of this.#inFlight) {
      if (!response.headersSent) response.setHeader('Connection', 'close');
    }
    const server: Server = this.adapterHost.httpAdapter.getHttpServer();
    // Responses that began before the signal lack the header. Their connections end when they are idle.
    server.keepAliveTimeout = 1;
    if (signal === undefined || !server.listening) return;
    // The HTTP server's close() also ends idle connections, and could lose a request that is being sent.
    NetServer.prototype.close.call(server);
    const quiet = new AbortController();
    await Promise.race([
      once(server, 'close', { signal: quiet.signal }),
      setTimeout(QUIET_MS, undefined, { signal: quiet.signal }),
    ]).finally(() => quiet.abort());
  }
}
