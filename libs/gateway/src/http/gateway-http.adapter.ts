import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { Settings } from '../settings/complete-settings.js';
import { ClientConnections } from './client-connection.js';
import { ControllerRoutes, type RoutedApplication } from './controller-routes.js';
import { chainOf, type Middleware } from './request-chain.js';
import { allowHalfOpen } from './node-internals.js';
import { Pipelining } from './pipelining.js';
import type { Responder } from './responder.js';

/** Connections that may wait to be accepted; the kernel's own limit counts where it is less. */
const BACKLOG = 4_096;

/**
 * Express on a server with the gateway's clocks and limits: Nest passes none of Node's server options on.
 */
export class GatewayHttpAdapter extends ExpressAdapter {
  /** Whether a request's `Upgrade` goes to the server's `upgrade` listener; all others are plain requests. */
  isUpgrade: (request: IncomingMessage) => boolean = () => false;

  /** Those that the server has accepted. */
  readonly connections = new ClientConnections();
  readonly pipelining: Pipelining;
  /** What Express serves. */
  readonly controllers: ControllerRoutes;
  private runFirst = chainOf([]);
  private responder: Responder | undefined;

  constructor(private readonly config: Settings['server']) {
    super();
    this.pipelining = new Pipelining(config.headerTimeoutMs);
    this.controllers = new ControllerRoutes(this.getInstance() as RoutedApplication);
    // Each is work for every response that a proxy must not do: the service says who it is and what has changed.
    this.disable('x-powered-by');
    this.disable('etag');
  }

  /**
   * Middlewares that run before Express, in this order. What one of them throws is answered without Express and Nest:
   * strangers choose how many refusals there are.
   */
  applyFirst(responder: Responder, middlewares: readonly Middleware[]): void {
    this.responder = responder;
    this.runFirst = chainOf(middlewares);
  }

  override setNotFoundHandler(...parameters: Parameters<ExpressAdapter['setNotFoundHandler']>): void {
    this.controllers.pass(() => super.setNotFoundHandler(...parameters));
  }

  /** Nest passes no backlog on; with Node's 511, some of many clients that come back at once would wait for a second. */
  override listen(port: string | number, host?: string | (() => void), done?: () => void): Server {
    const named = typeof host === 'string' ? { host } : {};
    const callback = typeof host === 'function' ? host : done;
    return this.httpServer.listen({ port: Number(port), backlog: BACKLOG, ...named }, callback);
  }

  override initHttpServer(): void {
    const express = this.getInstance() as RequestListener;
    const server = createServer(
      {
        maxHeaderSize: this.config.headerLimitBytes,
        headersTimeout: this.config.headerTimeoutMs,
        keepAliveTimeout: this.config.keepAliveMs,
        // Node's default of 300 s ends long uploads; the proxy watches their rate instead.
        requestTimeout: 0,
        connectionsCheckingInterval: 1_000,
        // The grammar check answers for it, in the gateway's own format.
        requireHostHeader: false,
        shouldUpgradeCallback: (request) => this.isUpgrade(request),
      },
      this.pipelining.wrap((request, response) => {
        // What Express cannot parse it would answer by itself, past every middleware; `*` is refused in order.
        if (!request.url!.startsWith('/')) request.url = '*';
        this.runFirst(request, response, (error) => {
          if (error === undefined) express(request, response);
          else this.responder!.respond(request, response, error);
        });
      }),
    );
    this.connections.watch(server);
    // `HalfClosedConnections` decides about them.
    allowHalfOpen(server);
    // Node would answer both at once: 100 before the gates, 417 without a body, an id or a log line.
    const handle = (request: IncomingMessage, response: ServerResponse): void => {
      server.emit('request', request, response);
    };
    server.on('checkContinue', handle).on('checkExpectation', handle);
    this.httpServer = server as Server & typeof this.httpServer;
  }
}
