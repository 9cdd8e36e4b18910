import { SETTINGS, type Settings } from '../settings/complete-settings.js';
import { corsFault } from '../settings/cors-options.js';
import {
  isCorsField,
  UpstreamConfigurationError,
  UpstreamRegistry,
  type CorsOptions,
  type Exchange,
} from '@app/proxy/internal';
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { OriginPattern } from './origin-pattern.js';
import { ownOriginOf } from './own-origin.js';

const EXPOSE = 'Access-Control-Expose-Headers';

const VARY = ['Vary', 'Origin'] as const;

/** CORS options as values of headers, and as headers of a preflight: name, value, name, value. */
interface CompiledCors {
  readonly exposed: string;
  readonly preflight: readonly string[];
}

/**
 * Decides which pages may call the gateway, and which headers they may send and read (Fetch standard, section 3.2). An
 * origin is allowed if it is on the list, exactly or by a pattern, or if it is the request's own. Headers, methods and age
 * come from the options of the upstream, or else from the gateway's settings.
 */
@Injectable()
export class CorsPolicy implements OnApplicationBootstrap {
  private readonly config: Settings['cors'];
  private readonly compiled: CompiledCors;
  private readonly byOrigin: ReadonlyMap<string, readonly string[]>;
  private readonly patterns: readonly OriginPattern[];
  private readonly byUpstream = new Map<string, CompiledCors>();

  constructor(
    @Inject(SETTINGS) { cors }: Settings,
    private readonly moduleRef: ModuleRef,
  ) {
    this.config = cors;
    this.compiled = compile(cors);
    const [patterns, origins] = [cors.allowedOrigins.filter(isPattern), cors.allowedOrigins.filter(isExact)];
    this.byOrigin = new Map(origins.map((origin) => [origin, this.compose(origin)]));
    this.patterns = patterns.map((pattern) => new OriginPattern(pattern));
  }

  /** @throws UpstreamConfigurationError if the CORS options of an upstream are invalid */
  onApplicationBootstrap(): void {
    for (const { name, declaration } of this.moduleRef.get(UpstreamRegistry, { strict: false }).upstreams) {
      const { cors } = declaration;
      if (!cors) continue;
      const fault = corsFault(cors);
      if (fault !== undefined) throw new UpstreamConfigurationError(`${name} has ${fault} in its cors`);
      this.byUpstream.set(name, compile({ ...this.config, ...cors }));
    }
  }

  /** Whether the origin of a request is allowed; true for a request without one. */
  isAllowed(exchange: Exchange): boolean {
    const { origin } = exchange.request.headers;
    if (origin === undefined || this.byOrigin.has(origin) || origin === ownOriginOf(exchange)) return true;
    return this.matchesPattern(origin);
  }

  /** Adds the headers by which pages of an allowed origin, and no others, can read the response. */
  describe(exchange: Exchange): void {
    const { origin } = exchange.request.headers;
    const headers = origin === undefined ? undefined : this.grantFor(origin, exchange);
    // `Vary` also without an origin: a cache must not give that response to a page.
    exchange.responseHeaders.push(...(headers ?? VARY));
  }

  /** Replaces the exposed headers by those of the upstream's options, once the upstream is known. */
  describeUpstream({ upstream, responseHeaders }: Exchange): void {
    const compiled = upstream === undefined ? undefined : this.byUpstream.get(upstream);
    if (!compiled) return;
    const index = responseHeaders.indexOf(EXPOSE);
    if (index !== -1) responseHeaders[index + 1] = compiled.exposed;
  }

  /** Replaces the headers by those with which pages of every origin can read the response, without credentials. */
  describeAny({ upstream, responseHeaders }: Exchange): void {
    const compiled = (upstream !== undefined && this.byUpstream.get(upstream)) || this.compiled;
    const others = responseHeaders.filter((_, index, all) => !isCorsField(all[index - (index % 2)]!));
    responseHeaders.splice(0, Infinity, ...others);
    responseHeaders.push('Access-Control-Allow-Origin', '*', EXPOSE, compiled.exposed);
  }

  /** The headers for an origin on the list: name, value, name, value; undefined for any other. */
  headersFor(origin: string): readonly string[] | undefined {
    return this.byOrigin.get(origin) ?? (this.matchesPattern(origin) ? this.compose(origin) : undefined);
  }

  /** The further headers of a response to a preflight: allowed methods, allowed headers and age. */
  preflightFor(upstream: string | undefined): readonly string[] {
    return ((upstream !== undefined && this.byUpstream.get(upstream)) || this.compiled).preflight;
  }

  private matchesPattern(origin: string): boolean {
    return this.patterns.some((pattern) => pattern.matches(origin));
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

function isPattern(origin: string): boolean {
  return origin.includes('*');
}

function isExact(origin: string): boolean {
  return !isPattern(origin);
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
