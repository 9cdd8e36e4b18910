import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable, type NestMiddleware } from '@nestjs/common';
import {
  AmbiguousPathException,
  InvalidRequestException,
  RouteMethodException,
  UpgradeRequiredException,
} from './http/exceptions.js';
import { exchangeOf, type Exchange } from './http/exchange.js';
import type { Gate } from './http/gate.js';
import { openExchange } from './http/open-exchange.js';
import { isAllowedPath } from './routing/allowed-in-path.js';
import { isWebSocketOnly } from './routing/methods.js';
import { isUnambiguousPath, isValidQuery, pathOf } from './routing/path-rules.js';
import { allowOf, type RoutesOfPath } from './routing/route-table.js';
import { BodyReadError, checkAnnouncedLength, isBodyRead } from './forward/announced-body.js';
import { UpstreamRegistry, type CompiledRoute } from './upstream.registry.js';

/**
 * Two slashes at the start of a path, or what a service may decode or read as such. Some services read the host of a URL
 * behind them (RFC 3986, section 4.2).
 */
const TWO_SLASHES = /^\/(?:\/|%(?:25)*(?:2F|5C))/i;

type Next = (error?: unknown) => void;

/** A request as Express passes it to a middleware. */
interface MountedRequest extends IncomingMessage {
  readonly originalUrl?: string;
}

/**
 * Sends every request to its upstream, or passes it on to the application's controllers.
 *
 * 1. Looks up the route, once, in the table built at boot. An upgrade and a preflight for a service have theirs already.
 * 2. Refuses a path that two servers could read differently, unless the route allows it, a path without a token that is
 *    behind a token once it is decoded, and a query with characters that a target may not have.
 * 3. Checks the gates in order: those of the gateway and of the application, for every request; then those of the upstream.
 * 4. Checks an announced length against the limit; then forwards by the upstream's proxy.
 */
@Injectable()
export class ProxyMiddleware implements NestMiddleware<IncomingMessage, ServerResponse> {
  constructor(private readonly registry: UpstreamRegistry) {}

  use(request: IncomingMessage, response: ServerResponse, next: Next): void | Promise<void> {
    const exchange = exchangeOf(request);
    if (!exchange) return this.useAlone(request, response, next);
    const path = pathOf(request.url!);
    // :: Step 1
    const known = exchange.upgrade?.route ?? exchange.route;
    const routes = known ? undefined : this.registry.find(path);
    // The table has no other routes.
    const route = (known as CompiledRoute | undefined) ?? routes?.byMethod.get(request.method!);
    exchange.template = routes?.template ?? route?.options.path;
    exchange.route = route;
    // :: Step 2
    if (!isUnambiguousPath(path)) this.checkAmbiguous(exchange, routes, route);
    if (route?.options.auth === 'none' && demandsToken(exchange, this.registry.findDecoded(path)))
      throw new AmbiguousPathException();
    if (!isValidQuery(request.url!)) throw new InvalidRequestException('Invalid query');
    // :: Step 3
    const gates = route ? route.gates : this.registry.gates;
    for (let index = 0; index < gates.length; index++) {
      const pending = gates[index]!.check(exchange);
      if (!pending) continue;
      // Bound: a closure here would cost an allocation in every request.
      const rest = proceed.bind(undefined, exchange, routes, route, next);
      return this.checkRest(exchange, pending, gates.slice(index + 1), rest);
    }
    proceed(exchange, routes, route, next);
  }

  /** Serves a request of an application without the gateway's chain, in which Express has taken the path that it mounts by. */
  private useAlone(request: MountedRequest, response: ServerResponse, next: Next): void | Promise<void> {
    const { url, originalUrl = url } = request;
    request.url = originalUrl;
    openExchange(request, response);
    const routes = isBodyRead(request) ? this.registry.find(pathOf(originalUrl!)) : undefined;
    if (routes && !isOfControllers(routes)) throw new BodyReadError();
    return this.use(request, response, (error) => {
      request.url = url;
      next(error);
    });
  }

  /**
   * Only a route of an upstream takes an ambiguous path: Express would look for a controller, and for the middleware before
   * it, in another way than the route table.
   * @throws AmbiguousPathException
   */
  private checkAmbiguous(
    exchange: Exchange,
    routes: RoutesOfPath<CompiledRoute> | undefined,
    route: CompiledRoute | undefined,
  ): void {
    const path = pathOf(exchange.request.url!);
    const isOfUpstream = route ? route.proxy !== undefined : routes !== undefined && !isOfControllers(routes);
    const isRefused =
      !isOfUpstream ||
      !isAllowedPath(path, route?.options.allowedInPath ?? []) ||
      (route !== undefined && TWO_SLASHES.test(route.toUpstreamTarget(path))) ||
      // A service that does not decode before it routes would respond as the route that demands the token.
      (route?.options.auth === 'none' && demandsToken(exchange, this.registry.findUndecoded(path)));
    if (isRefused) throw new AmbiguousPathException();
  }

  private async checkRest(
    exchange: Exchange,
    pending: Promise<void>,
    gates: readonly Gate[],
    goOn: () => void,
  ): Promise<void> {
    await pending;
    for (const gate of gates) await gate.check(exchange);
    // No request to the service for a client that left meanwhile.
    if (!exchange.response.destroyed) goOn();
  }
}

function proceed(
  exchange: Exchange,
  routes: RoutesOfPath<CompiledRoute> | undefined,
  route: CompiledRoute | undefined,
  next: Next,
): void {
  // A controller may have methods that the table does not know; the application responds to all others.
  if (routes && !route && !isOfControllers(routes)) throw toException(exchange.request, routes);
  if (!route?.proxy) {
    exchange.writeContinue();
    next();
    return;
  }
  route.forwardOptions.headerRules?.prepare(exchange);
  if (exchange.upgrade) {
    // The application's WebSocket middleware is next.
    next();
    return;
  }
  if (isWebSocketOnly(route.options)) throw new UpgradeRequiredException();
  // :: Step 4
  const { request } = exchange;
  checkAnnouncedLength(request, route.forwardOptions.limits.bodyLimitBytes);
  route.proxy.forward(exchange, route.forwardOptions, route.toUpstreamTarget(request.url!), next);
}

/** Whether the route of an exchange among these demands a token. */
function demandsToken(
  { request, upgrade }: Exchange,
  routes: RoutesOfPath<CompiledRoute> | undefined,
): boolean {
  const route = upgrade ? routes?.websocket : routes?.byMethod.get(request.method!);
  return route !== undefined && route.options.auth !== 'none';
}

function isOfControllers({ byMethod }: RoutesOfPath<CompiledRoute>): boolean {
  return byMethod.values().next().value!.proxy === undefined;
}

/** The exception for a method that the path does not have. A WebSocket handshake is a GET (RFC 6455, section 4.1). */
function toException({ headers }: IncomingMessage, routes: RoutesOfPath<CompiledRoute>): Error {
  const isHandshake = headers.upgrade?.toLowerCase() === 'websocket';
  return isHandshake && routes.websocket
    ? new InvalidRequestException('WebSocket handshake must be a GET')
    : new RouteMethodException(allowOf(routes));
}
