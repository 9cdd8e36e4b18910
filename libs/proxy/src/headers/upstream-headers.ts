import type { HeaderRuleOptions } from '../routing/header-rules.js';
import type { PathPattern } from '../routing/path-pattern.js';
import type { RouteOptions } from '../routing/route-options.js';
import { describeRoute, type UpstreamRoute } from '../routing/upstream-route.js';
import { CompiledHeaderRules, guardedNames } from './compiled-header-rules.js';
import { checkOrigin, HeaderConfigurationError, hostFor, originFor, readHost } from './header-options.js';
import { acceptanceFault } from './name-kinds.js';

/** The parts of an upstream's options that are about headers; see `UpstreamOptions`. */
interface DeclaredUpstream extends HeaderRuleOptions {
  readonly name: string;
  readonly host?: string;
  readonly acceptedHeaders?: readonly string[];
  readonly routes: readonly RouteOptions[];
}

/** The part of an instance that headers name. */
interface AddressedInstance {
  /** Host and port, as `Host` has them. */
  readonly host: string;
  /** Scheme, host and port. */
  readonly origin: string;
}

/** The header options of one upstream, compiled at boot. */
export class UpstreamHeaders {
  /** Identity and override names, in lower case, that the upstream accepts from clients; undefined if none. */
  readonly accepted: ReadonlySet<string> | undefined;
  /** `Host` of requests: `instance`, or a given one; undefined for that of the client. */
  readonly host: string | undefined;
  /** The rules of requests without a route; undefined if there are none. */
  readonly rules: CompiledHeaderRules | undefined;
  private readonly guarded: ReadonlySet<string>;

  /** @throws HeaderConfigurationError */
  constructor(private readonly upstream: DeclaredUpstream) {
    this.accepted = readAcceptedHeaders(upstream);
    this.host = readHost(upstream.name, upstream.host);
    this.guarded = guardedNames([upstream, ...upstream.routes]);
    this.rules = CompiledHeaderRules.compile([this.declared], this.guarded);
  }

  /** The rules of a route, those of the upstream included; undefined if there are none. @throws HeaderConfigurationError */
  rulesFor(route: UpstreamRoute, { parameters }: PathPattern): CompiledHeaderRules | undefined {
    const { options } = route;
    const owner = describeRoute(route);
    if (options.origin !== undefined) checkOrigin(owner, options.origin, options.websocket !== undefined);
    return CompiledHeaderRules.compile([this.declared, { owner, options, parameters }], this.guarded);
  }

  /**
   * `Host` and `Origin` of a handshake with an instance, as far as options set them: name, value, name, value.
   * @param origin the route's option
   */
  handshakeFields(origin: string | undefined, instance: AddressedInstance): string[] {
    const { host } = this;
    const fields = host === undefined ? [] : ['Host', hostFor(host, instance.host)];
    if (origin !== undefined) fields.push('Origin', originFor(origin, this.hostOfChecks, instance));
    return fields;
  }

  /** `Host` of health checks; undefined for that of the instance. */
  get hostOfChecks(): string | undefined {
    return this.host === 'instance' ? undefined : this.host;
  }

  private get declared(): { readonly owner: string; readonly options: HeaderRuleOptions } {
    return { owner: this.upstream.name, options: this.upstream };
  }
}

function readAcceptedHeaders({
  name: upstream,
  acceptedHeaders: names = [],
}: DeclaredUpstream): ReadonlySet<string> | undefined {
  for (const name of names) {
    const fault = acceptanceFault(name);
    if (fault !== undefined)
      throw new HeaderConfigurationError(`${upstream} cannot accept ${name}, which ${fault}`);
  }
  return names.length === 0 ? undefined : new Set(names.map((name) => name.toLowerCase()));
}
