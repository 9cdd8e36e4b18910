import { corsFault, SETTINGS, type Settings } from '@app/gateway';
import { UpstreamError, UpstreamRegistry, type CorsOptions, type Exchange } from '@app/proxy';
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { ownOriginOf } from './own-origin.js';

const EXPOSE = 'Access-Control-Expose-Headers';

const VARY = ['Vary', 'Origin'] as const;

/** Options as the headers that say them. */
interface CompiledCors {
  readonly exposed: string;
  readonly preflight: readonly string[];
}

/**
 * Which pages may talk to the gateway, and what they may send and read (Fetch standard, section 3.2): an origin is on the
 * list, exactly, or it is the request's own. Headers, methods and age are the gateway's settings, or the upstream's.
 */
@Injectable()
export class CorsPolicy implements OnApplicationBootstrap {
  private readonly config: Settings['cors'];
  private readonly compiled: CompiledCors;
  private readonly byOrigin: ReadonlyMap<string, readonly string[]>;
  private readonly byUpstream = new Map<string, CompiledCors>();

  constructor(
    @Inject(SETTINGS) { cors }: Settings,
    private readonly moduleRef: ModuleRef,
  ) {
    this.config = cors;
    this.compiled = compile(cors);
    this.byOrigin = new Map([...cors.allowedOrigins].map((origin) => [origin, this.compose(origin)]));
  }

  /** @throws UpstreamError if an upstream's options hold what CORS cannot say */
  onApplicationBootstrap(): void {
    for (const { name, declaration } of this.moduleRef.get(UpstreamRegistry, { strict: false }).upstreams) {
      const { cors } = declaration;
      if (!cors) continue;
      const fault = corsFault(cors);
      if (fault !== undefined) throw new UpstreamError(`${name} has ${fault} in its cors`);
      this.byUpstream.set(name, compile({ ...this.config, ...cors }));
    }
  }

  /** Whether a page of the request's origin may talk to the gateway; a request without one is no page's. */
  isAllowed(exchange: Exchange): boolean {
    const { origin } = exchange.request.headers;
    return origin === undefined || this.byOrigin.has(origin) || origin === ownOriginOf(exchange);
  }

  /** Lets the page of an allowed origin read the response, of an upstream or of the gateway. No other page can. */
  describe(exchange: Exchange): void {
    const { origin } = exchange.request.headers;
    const headers = origin === undefined ? undefined : this.grantFor(origin, exchange);
    // `Vary` without an origin too: a cache must not give that response to a page.
    exchange.responseHeaders.push(...(headers ?? VARY));
  }

  /** Exposes what the upstream's options name, once the upstream is known. */
  describeUpstream({ upstream, responseHeaders }: Exchange): void {
    const compiled = upstream === undefined ? undefined : this.byUpstream.get(upstream);
    if (!compiled) return;
    const index = responseHeaders.indexOf(EXPOSE);
    if (index !== -1) responseHeaders[index + 1] = compiled.exposed;
  }

  /** The headers for an origin on the list: name, value, name, value; undefined for any other. */
  headersFor(origin: string): readonly string[] | undefined {
    return this.byOrigin.get(origin);
  }

  /** What a preflight is told beside that: methods, headers and age. */
  preflightFor(upstream: string | undefined): readonly string[] {
    return ((upstream !== undefined && this.byUpstream.get(upstream)) || this.compiled).preflight;
  }

  private grantFor(origin: string, exchange: Exchange): readonly string[] | undefined {
    return this.headersFor(origin) ?? (origin === ownOriginOf(exchange) ? this.compose(origin) : undefined);
  }

  private compose(origin: string): readonly string[] {
    return [
      'Access-Control-Allow-Origin',
      origin,
      'Access-Control-Allow-Credentials',
      'true',
      EXPOSE,
      this.compiled.exposed,
      ...VARY,
    ];
  }
}

function compile(options: Required<CorsOptions>): CompiledCors {
  return {
    exposed: options.exposedHeaders.join(', '),
    preflight: [
      'Access-Control-Allow-Methods',
      options.allowedMethods.join(', '),
      'Access-Control-Allow-Headers',
      options.allowedHeaders.join(', '),
      'Access-Control-Max-Age',
      String(options.maxAgeSeconds),
    ],
  };
}
