import type { IncomingMessage, ServerResponse } from 'node:http';
import { Inject, Injectable, type NestMiddleware } from '@nestjs/common';
import { AmbiguousPathException, RouteMethodException, UpgradeRequiredException } from './exceptions.js';
import { exchangeOf, type Exchange } from './exchange.js';
import type { Gate } from './gate.js';
import { PROXY_OPTIONS, type ProxyOptions } from './proxy.options.js';
import { isUnambiguousPath, pathOf } from './routing/path-rules.js';
import type { PathEntry } from './routing/route-table.js';
import { refusesLength } from './transport/forward.js';
import { UpstreamRegistry } from './upstream.registry.js';
import type { ProxyRow } from './upstream-proxy.js';

type Next = (error?: unknown) => void;

/**
 * Takes every request to its upstream or lets it pass on to the application's controllers.
 *
 * 1. A path that two servers could read differently is refused.
 * 2. The path finds its rows, once, in the table built at boot.
 * 3. Gates, in order: those of the gateway, for every request; then those of the upstream.
 * 4. The size limit, where the length is announced; then the upstream's proxy.
 */
@Injectable()
export class ProxyMiddleware implements NestMiddleware<IncomingMessage, ServerResponse> {
  constructor(
    private readonly registry: UpstreamRegistry,
    @Inject(PROXY_OPTIONS) private readonly options: ProxyOptions,
  ) {}

  use(request: IncomingMessage, _response: ServerResponse, next: Next): void | Promise<void> {
    const exchange = exchangeOf(request)!;
    const path = pathOf(request.url!);
    // :: Step 1
    if (!isUnambiguousPath(path)) throw new AmbiguousPathException();
    // :: Step 2
    const entry = this.registry.find(path);
    const row = entry?.byMethod.get(request.method!);
    if (entry) exchange.template = entry.template;
    if (row) {
      exchange.route = row.route;
      exchange.upstream = row.upstream;
      if (row.parameters.size > 0) exchange.parameter = (name) => parameterOf(path, row.parameters.get(name));
    }
    // :: Step 3
    const gates = row ? row.gates : this.options.gates;
    for (let index = 0; index < gates.length; index++) {
      const pending = gates[index]!.admit(exchange);
      if (pending) return this.admitRest(exchange, gates, index, pending, path, entry, next);
    }
    return this.proceed(exchange, path, entry, next);
  }

  private async admitRest(
    exchange: Exchange,
    gates: readonly Gate[],
    index: number,
    pending: Promise<void>,
    path: string,
    entry: PathEntry<ProxyRow> | undefined,
    next: Next,
  ): Promise<void> {
    await pending;
    for (const gate of gates.slice(index + 1)) await gate.admit(exchange);
    // A client that left while a gate thought about it is not worth a request to the service.
    if (!exchange.response.destroyed) await this.proceed(exchange, path, entry, next);
  }

  private proceed(
    exchange: Exchange,
    path: string,
    entry: PathEntry<ProxyRow> | undefined,
    next: Next,
  ): void | Promise<void> {
    const { request } = exchange;
    if (!entry) {
      exchange.admitBody();
      next();
      return;
    }
    const row = entry.byMethod.get(request.method!);
    if (!row) throw new RouteMethodException(entry.allow);
    if (row.route.websocket) throw new UpgradeRequiredException();
    // :: Step 4
    const refusal = refusesLength(request, row.plan.limits.bodyBytes);
    if (refusal) throw refusal;
    const target = row.rewrite ? row.rewrite(path) + request.url!.slice(path.length) : request.url!;
    return row.proxy.forward(exchange, row.plan, target, next);
  }
}

/** @throws AmbiguousPathException where the segment's bytes are no UTF-8, which each server would replace in its way */
function parameterOf(path: string, position: number | undefined): string | undefined {
  if (position === undefined) return undefined;
  try {
    return decodeURIComponent(path.split('/')[position + 1]!);
  } catch {
    throw new AmbiguousPathException();
  }
}
