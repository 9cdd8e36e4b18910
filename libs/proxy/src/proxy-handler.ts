import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { NotFoundException } from '@nestjs/common';
import { createProxyMiddleware, type Options, type RequestHandler } from 'http-proxy-middleware';
import { ConfigurationError } from './routing/configuration.error.js';
import { ProxyListeners, type ProxyServer } from './proxy-listeners.js';

/** A listener of one of http-proxy-middleware's events, without its promise. */
type Events = Required<Pick<NonNullable<Options['on']>, 'proxyReq' | 'proxyRes' | 'error'>>;

/**
 * The options of http-proxy-middleware that an upstream may have, as its documentation describes them. The gateway has
 * options of its own for all else.
 */
export interface ProxyHandlerOptions extends Pick<Options, 'pathFilter' | 'pathRewrite' | 'plugins'> {
  /** Listeners. `proxyReq` gets, sets and removes headers; `proxyRes` changes headers and the status. */
  readonly on?: Partial<Events>;
  /**
   * Chooses, by its origin, the instance that gets the request, or another upstream, by its name. Anything else is 502, and
   * undefined leaves the choice to the load balancer.
   */
  readonly router?:
    Readonly<Record<string, string>> | ((request: IncomingMessage) => Choice | Promise<Choice>);
}

type Choice = string | undefined;

/** An upstream has an option of http-proxy-middleware that the gateway replaces. */
export class ProxyConfigurationError extends ConfigurationError {
  override readonly name = 'ProxyConfigurationError';
}

/** What the gateway has in place of an option of http-proxy-middleware. */
const REPLACED: Readonly<Record<string, string>> = {
  target: '`instances` of the upstream',
  forward: 'an upstream of its own',
  agent: 'the pool of the upstream (UPSTREAM_MAX_CONNECTIONS)',
  ssl: 'nginx in front of the gateway',
  ws: 'a route with `websocket`',
  xfwd: 'X-Forwarded-*, which is always sent',
  secure: '<NAME>_SERVICE_TLS_CA_FILE',
  ca: '<NAME>_SERVICE_TLS_CA_FILE',
  changeOrigin: '`host` of the upstream, which sets the Host',
  headers: '`requestHeaders` of the upstream',
  auth: 'a `proxyReq` listener',
  timeout: 'REQUEST_TIMEOUT_MS',
  proxyTimeout: '`requestTimeoutMs` of the route',
  selfHandleResponse: 'a controller',
  followRedirects: 'the client, which follows redirects itself',
  logger: "the application's log",
};

const ALLOWED: ReadonlySet<string> = new Set(['pathFilter', 'pathRewrite', 'plugins', 'on', 'router']);
const EVENTS: ReadonlySet<string> = new Set(['proxyReq', 'proxyRes', 'error']);

/** Forwards one request. @param choice of the router; undefined without one */
export type MountedForward = (
  request: IncomingMessage,
  response: ServerResponse,
  choice: string | undefined,
) => Promise<void>;

/** The `http-proxy-middleware` of an upstream: a handler that a team mounts, and the events of both. */
export interface ProxyHandler {
  readonly handle: RequestHandler;
  readonly listeners: ProxyListeners;
}

/**
 * Creates the `http-proxy-middleware` of an upstream. Its filter, its rewriting, its router and its plugins work as its
 * documentation says; in place of its server, the gateway's own transport forwards.
 * @throws ProxyConfigurationError if an option is not one of `ProxyHandlerOptions`
 */
export function createProxyHandler(
  upstream: string,
  options: ProxyHandlerOptions,
  forward: MountedForward,
): ProxyHandler {
  check(upstream, options);
  const { on = {}, plugins = [], router, ...rest } = options;
  let server!: ProxyServer;
  const failures = new WeakMap<IncomingMessage, unknown>();
  const handle = createProxyMiddleware({
    ...rest,
    // Required, and only the name of no choice: the load balancer picks an instance.
    target: { host: '' },
    ...(router && { router: toRouter(router) }),
    // Its own plugins write errors and logs, which is the gateway's part.
    ejectPlugins: true,
    plugins: [
      (created) => {
        server = created;
        // http-proxy-middleware would emit a rejection to the listeners once more.
        server.web = (request, response, { target } = {}) =>
          forward(request, response, (target as { host: string }).host || undefined).catch(
            (error: unknown) => void failures.set(request, error),
          );
        for (const [name, listener] of Object.entries(on)) server.on(name as 'error', listener as never);
      },
      ...plugins,
    ],
  });
  return { handle: toHandler(handle, failures), listeners: new ProxyListeners(upstream, server) };
}

/** http-proxy-middleware would take a name for a URL: the choice goes through as the host of its target. */
function toRouter(router: NonNullable<ProxyHandlerOptions['router']>): NonNullable<Options['router']> {
  if (typeof router === 'function') return async (request) => ({ host: (await router(request)) ?? '' });
  return Object.fromEntries(Object.entries(router).map(([key, choice]) => [key, { host: choice }]));
}

/**
 * The handler for a team: passes failures on by `next`, or rejects if it is called without one. It takes no upgrades: a
 * WebSocket is a route.
 */
function toHandler(handle: RequestHandler, failures: WeakMap<IncomingMessage, unknown>): RequestHandler {
  const wrapped = async (
    request: IncomingMessage,
    response: ServerResponse,
    next?: (error?: unknown) => void,
  ): Promise<void> => {
    let isFiltered = false;
    await handle(request, response, (error) => {
      if (error === undefined) isFiltered = true;
      else failures.set(request, error);
    });
    const failure =
      failures.get(request) ?? (isFiltered && !next ? new NotFoundException('Not found') : undefined);
    if (failure !== undefined && !next) throw failure;
    if (failure !== undefined || isFiltered) next!(failure);
  };
  return Object.assign(wrapped, { upgrade: refuseUpgrade });
}

/** The handler of an optional upstream without an instance: 404, as its routes have. */
export function createAbsentHandler(): RequestHandler {
  const absent = async (
    _request: IncomingMessage,
    _response: ServerResponse,
    next?: (error?: unknown) => void,
  ): Promise<void> => {
    const failure = new NotFoundException('Not found');
    if (!next) throw failure;
    next(failure);
  };
  return Object.assign(absent, { upgrade: refuseUpgrade });
}

function refuseUpgrade(_request: IncomingMessage, socket: Socket): void {
  socket
    .on('error', () => {})
    .end('HTTP/1.1 501 Not Implemented\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
}

function check(upstream: string, options: object): void {
  for (const name of Object.keys(options)) {
    if (ALLOWED.has(name)) continue;
    const instead = REPLACED[name];
    const hint = instead === undefined ? '' : `; the gateway has ${instead}`;
    throw new ProxyConfigurationError(`${upstream} cannot have the proxy option ${name}${hint}`);
  }
  for (const name of Object.keys((options as ProxyHandlerOptions).on ?? {})) {
    if (EVENTS.has(name)) continue;
    throw new ProxyConfigurationError(`${upstream} cannot have a proxy listener of ${name}`);
  }
}
