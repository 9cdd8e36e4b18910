import { IncomingMessage, type IncomingHttpHeaders, METHODS, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import {
  createUpstreamHeaders,
  exchangeOf,
  ProxyMiddleware,
  type CompiledRoute,
  type Exchange,
  type Gate,
  type RateLimit,
  type UpstreamRegistry,
} from '@app/proxy/internal';
import type { Type } from '@nestjs/common';
import { CorsMiddleware } from './cors/cors.middleware.js';
import { PreflightMiddleware } from './cors/preflight.middleware.js';
import { ownerOf, type RateLimitGate } from './gates/rate-limit.gate.js';
import { ClientConnection } from './http/client-connection.js';
import { MethodNotImplementedException } from './http/exceptions.js';
import { RequestGrammarMiddleware } from './http/request-grammar.middleware.js';
import type { Middleware } from './http/request-chain.js';
import { RequestContextMiddleware } from './observability/request-context.middleware.js';
import { WebSocketRoutes } from './websocket/websocket-routes.js';

/** The request of a dry run. */
export interface DryRunRequest {
  readonly method: string;
  /** Path and query, as a client sends them. */
  readonly target: string;
  /** Name, value, name, value. */
  readonly rawHeaders: readonly string[];
  /** The address at the other end of the connection. */
  readonly clientAddress: string;
}

/** Parts of an application that was created for one dry run. */
export interface DryRunParts {
  readonly get: <Provider>(type: Type<Provider>) => Provider;
  readonly registry: UpstreamRegistry;
  /** The gateway's gates. */
  readonly gates: Gate[];
  readonly limits: RateLimitGate;
}

export interface GateRun {
  readonly name: string;
  readonly result: 'passed' | 'refused' | 'not reached' | 'not run';
}

/** The middlewares up to the upstream, in the order of the gateway. */
const CHAIN: readonly Type<Middleware>[] = [
  RequestContextMiddleware,
  CorsMiddleware,
  RequestGrammarMiddleware,
  PreflightMiddleware,
  ProxyMiddleware,
];

/** One request through the middlewares and gates of a gateway, without a connection: the upstream is not asked. */
export class DryRun {
  exchange: Exchange | undefined;
  /** What the gateway throws; undefined if the request passes. */
  exception: unknown;
  /** The middleware or gate that ran last. */
  by = '';
  /** Whether the request reached the upstream, or a controller. */
  hasPassed = false;
  private readonly checked: string[] = [];
  private own: readonly string[] = [];
  private readonly names: readonly string[];

  private constructor(private readonly parts: DryRunParts) {
    this.names = parts.gates.map(nameOf);
  }

  static async start(request: DryRunRequest, parts: DryRunParts): Promise<DryRun> {
    const run = new DryRun(parts);
    try {
      run.trace();
      await run.pass(request);
    } catch (error) {
      run.exception = error;
    }
    return run;
  }

  get route(): CompiledRoute | undefined {
    return this.exchange?.route as CompiledRoute | undefined;
  }

  /** The gates of the route in their order. Those of the upstream itself are not run: they may need connections. */
  get gates(): readonly GateRun[] {
    const last = this.checked.at(-1);
    return [
      ...this.names.map((name): GateRun => {
        if (!this.checked.includes(name)) return { name, result: 'not reached' };
        return { name, result: this.exception && name === last && this.by === name ? 'refused' : 'passed' };
      }),
      ...this.own.map((name): GateRun => ({ name, result: 'not run' })),
    ];
  }

  /** The rate limit that counts the request, and for whom it counts; undefined if none does. */
  get limit(): { readonly limit: RateLimit; readonly owner: string } | undefined {
    if (!this.route && !this.hasPassed) return undefined;
    const limit = this.exchange && this.parts.limits.limitOf(this.exchange);
    return limit && { limit, owner: ownerOf(this.exchange!) };
  }

  /** The headers for the upstream: name, value, name, value. */
  get upstreamHeaders(): readonly string[] {
    const { exchange, route } = this;
    return exchange && route?.proxy ? createUpstreamHeaders(exchange, route.forwardOptions) : [];
  }

  /** Makes the gates say that they run, and the upstreams accept without being asked. */
  private trace(): void {
    const { gates, registry } = this.parts;
    const traced = gates.map((gate) => this.traced(gate));
    for (const route of new Set(registry.routes.map((each) => each.gates))) {
      this.ownOf.set(route, route.slice(gates.length).map(nameOf));
      (route as Gate[]).splice(0, Infinity, ...traced);
    }
    gates.splice(0, Infinity, ...traced);
    for (const upstream of registry.upstreams) upstream.forward = () => this.accept();
  }

  private readonly ownOf = new Map<readonly Gate[], readonly string[]>();

  private traced(gate: Gate): Gate {
    const name = nameOf(gate);
    return {
      check: (exchange) => {
        this.by = name;
        this.checked.push(name);
        const pending = gate.check(exchange);
        const goOn = (): void => void (this.by = ProxyMiddleware.name);
        return pending ? pending.then(goOn) : goOn();
      },
    };
  }

  private accept(): void {
    this.hasPassed = true;
  }

  private async pass(given: DryRunRequest): Promise<void> {
    const request = toMessage(given);
    const response = new ServerResponse(request);
    this.by = 'the parser';
    if (!METHODS.includes(given.method)) throw new MethodNotImplementedException();
    const chain = CHAIN.map((type) => this.parts.get(type));
    for (const [index, middleware] of chain.entries()) {
      this.by = CHAIN[index]!.name;
      let goesOn = false;
      await middleware.use(request, response, (error?: unknown) => {
        if (error) throw error;
        goesOn = true;
      });
      this.exchange = exchangeOf(request);
      if (index === 0) this.addUpgrade();
      this.own = (this.route && this.ownOf.get(this.route.gates)) ?? [];
      if (!goesOn) break;
      if (index === chain.length - 1) this.accept();
    }
  }

  /** As the adapter does for a request that asks for a WebSocket. */
  private addUpgrade(): void {
    const { request } = this.exchange!;
    const route = this.parts.get(WebSocketRoutes).find(request)?.proxyRoute;
    if (route) this.exchange!.upgrade = { route, socket: request.socket };
  }
}

function nameOf(gate: Gate): string {
  return gate.constructor.name;
}

function toMessage({ method, target, rawHeaders, clientAddress }: DryRunRequest): IncomingMessage {
  const socket = new Socket();
  Object.defineProperty(socket, 'remoteAddress', { value: clientAddress });
  new ClientConnection(socket);
  const message = new IncomingMessage(socket);
  message.httpVersionMajor = 1;
  message.httpVersionMinor = 1;
  message.httpVersion = '1.1';
  message.method = method;
  message.url = target;
  message.rawHeaders.push(...rawHeaders);
  message.headers = toHeaders(rawHeaders);
  return message;
}

/** Names of which Node keeps the first field. */
const SINGLE = new Set(['host', 'authorization', 'origin', 'content-length', 'content-type', 'user-agent']);

/** Fields by their names in lower case. Those of one name are joined (RFC 9110, section 5.3), but for cookies by `;`. */
function toHeaders(rawHeaders: readonly string[]): IncomingHttpHeaders {
  const headers = new Map<string, string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const [name, value] = [rawHeaders[index]!.toLowerCase(), rawHeaders[index + 1]!];
    const before = headers.get(name);
    if (before === undefined) headers.set(name, value);
    else if (!SINGLE.has(name)) headers.set(name, before + (name === 'cookie' ? '; ' : ', ') + value);
  }
  return Object.fromEntries(headers);
}
