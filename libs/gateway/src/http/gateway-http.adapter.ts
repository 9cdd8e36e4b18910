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
import { toOriginForm } from './request-target.js';
import type { Responder } from './responder.js';

/** Connections that may wait to be accepted. The kernel's own limit applies if it is lower. */
const BACKLOG = 4_096;

/**
 * Runs Express on a server with the gateway's timeouts and limits. It creates that server itself, because Nest passes
 * none of Node's server options on.
 */
export class GatewayHttpAdapter extends ExpressAdapter {
  /** Whether a request goes to the server's `upgrade` listener; otherwise its `Upgrade` is ignored. Default: never. */
  isUpgrade: (request: IncomingMessage) => boolean = () => false;

  /** The open connections that the server has accepted. */
  readonly connections = new ClientConnections();
  pipelining!: Pipelining;
  /** The routes that Express serves. */
  readonly controllers: ControllerRoutes;
  private runFirst = chainOf([]);
  private responder: Responder | undefined;
  private config!: Settings['server'];

  constructor() {
    super();
    this.controllers = new ControllerRoutes(this.getInstance() as RoutedApplication);
    // Both would cost work on every response, and a proxy leaves these headers to the upstream.
    this.disable('x-powered-by');
    this.disable('etag');
  }

  /** Sets the timeouts and limits. Call before Nest creates the server, which it does once all providers exist. */
  configure(config: Settings['server']): void {
    this.config = config;
    this.pipelining = new Pipelining(config.headerTimeoutMs);
  }

  /**
   * Sets the middlewares that run before Express, in this order. If one of them throws, the responder writes the
   * response without Express and Nest: clients choose how many requests are refused, so refusing must be cheap.
   */
  applyFirst(responder: Responder, middlewares: readonly Middleware[]): void {
    this.responder = responder;
    this.runFirst = chainOf(middlewares);
  }

  override setNotFoundHandler(...parameters: Parameters<ExpressAdapter['setNotFoundHandler']>): void {
    this.controllers.pass(() => super.setNotFoundHandler(...parameters));
  }

  /**
   * Sets the backlog, which Nest does not pass on. With Node's 511, some of many clients that reconnect at once would
   * wait for a second.
   */
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
        // `RequestGrammarMiddleware` refuses a missing Host, in the gateway's own format.
        requireHostHeader: false,
        shouldUpgradeCallback: (request) => {
          toOriginForm(request);
          return this.isUpgrade(request);
        },
      },
      this.pipelining.wrap((request, response) => {
        toOriginForm(request);
        this.runFirst(request, response, (error) => {
          if (error === undefined) express(request, response);
          else this.responder!.respond(request, response, error);
        });
      }),
    );
    this.connections.watch(server);
    // `HalfClosedConnections` decides which half-closed connections get their responses.
    allowHalfOpen(server);
    // Node itself would respond to `Expect`: with 100 before the gates have checked the request, or with 417 without a body,
    // a request id or a log line.
    const handle = (request: IncomingMessage, response: ServerResponse): void => {
      server.emit('request', request, response);
    };
    server.on('checkContinue', handle).on('checkExpectation', handle);
    this.httpServer = server as Server & typeof this.httpServer;
  }
}
