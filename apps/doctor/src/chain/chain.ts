import type { Route, UpstreamOptions } from '@app/proxy';
import type { TextFiles } from '../files/text-files.js';
import type { YamlNode } from '../files/yaml.tree.js';
import { ConfigurationError, Gateway } from './gateway.js';
import { Nginx, type NginxGroup } from './nginx.js';
import type { NginxBlock } from './nginx-block.js';
import { samplePath } from './route-tables.js';
import type { Said } from './said.js';
import type { ComposeService } from './service.js';
import { SourcePlaces } from './source-places.js';
import type { Stack } from './stack.js';

/** A row of a route table, with its line. */
export interface RouteRow {
  readonly route: Route;
  readonly upstream: UpstreamOptions;
  readonly said: Said;
}

/** A route in the location through which nginx carries it. */
export interface Carried extends RouteRow {
  readonly location: NginxBlock;
  readonly server: NginxBlock;
}

export interface ChainParts {
  readonly files: TextFiles;
  readonly stack: Stack;
  readonly nginx: Nginx | undefined;
  readonly prometheus: YamlNode | undefined;
  readonly upstreams: readonly UpstreamOptions[];
  /** Whose variables hold what is to differ, committed as an example. */
  readonly examples: readonly string[];
}

/** What all files together say of the way from a client to a service. */
export class Chain {
  readonly gateways: readonly Gateway[];
  /** Services that would not start as gateways, each with why. */
  readonly refused: readonly { readonly service: ComposeService; readonly error: ConfigurationError }[];
  readonly routes: readonly RouteRow[];
  /** Every route in every server that passes it to a gateway. */
  readonly carried: readonly Carried[];

  constructor(readonly parts: ChainParts) {
    const places = new SourcePlaces(parts.files);
    this.routes = parts.upstreams.flatMap((upstream) =>
      upstream.routes.map((route) => ({
        route,
        upstream,
        said: {
          value: route,
          says: `${route.methods.join(' ')} ${route.path}`,
          at: places.ofRoute(route.path),
        },
      })),
    );
    const read = this.gatewayServices().map((service) => readGateway(service, places));
    this.gateways = read.filter((each) => each instanceof Gateway);
    this.refused = read.filter((each): each is Refused => !(each instanceof Gateway));
    this.carried = this.routes.flatMap((row) =>
      (this.nginx?.servers ?? []).flatMap((server) => {
        const location = this.nginx!.locationFor(server, samplePath(row.route));
        return this.leadsToGateway(location) ? [{ ...row, location, server }] : [];
      }),
    );
  }

  get stack(): Stack {
    return this.parts.stack;
  }

  get nginx(): Nginx | undefined {
    return this.parts.nginx;
  }

  /** Every location of nginx that passes requests to a gateway. */
  get gatewayLocations(): readonly NginxBlock[] {
    return (this.nginx?.proxyLocations ?? []).filter((location) => this.leadsToGateway(location));
  }

  /** The groups of servers that hold a gateway. */
  get gatewayGroups(): readonly NginxGroup[] {
    return (this.nginx?.groups ?? []).filter((group) => this.holdsGateway(group));
  }

  /** Addresses of a service as a gateway calls it. */
  addressesOf(gateway: Gateway, upstream: UpstreamOptions): readonly string[] {
    const { addresses, network } = gateway.config.proxy;
    return addresses.get(upstream.name) ?? upstream.instances[network];
  }

  /** Where a gateway's address of a service is said. */
  addressSaid(gateway: Gateway, { name }: UpstreamOptions): Said {
    const variable = `${name.toUpperCase().replaceAll('-', '_')}_URL`;
    const set = gateway.service.variable(variable);
    if (set?.value) return { value: set.value, says: `${variable}: ${set.value}`, at: set.at };
    const row = this.routes.find(({ upstream }) => upstream.name === name);
    const says = `${variable} not set: the upstream's own address`;
    return { value: undefined, says, at: row?.said.at ?? gateway.service.at };
  }

  /** The services of the compose file that a gateway sends an upstream's requests to. */
  servicesOf(gateway: Gateway, upstream: UpstreamOptions): readonly ComposeService[] {
    return this.addressesOf(gateway, upstream).flatMap(
      (address) => this.stack.serviceAt(new URL(address).hostname) ?? [],
    );
  }

  isGateway(service: ComposeService | undefined): boolean {
    return this.gateways.some((gateway) => gateway.service === service);
  }

  private leadsToGateway(location: NginxBlock): boolean {
    const group = this.nginx!.groupBehind(location);
    return group !== undefined && this.holdsGateway(group);
  }

  private holdsGateway({ targets }: NginxGroup): boolean {
    return targets.some(({ host }) => this.isGateway(this.stack.serviceAt(host)));
  }

  /** Who has the address of a service is a gateway; where nobody has one, whom nginx passes the routes to. */
  private gatewayServices(): readonly ComposeService[] {
    const named = this.stack.services.filter((service) =>
      [...service.environment.keys()].some((name) => name.endsWith('_SERVICE_URL')),
    );
    if (named.length > 0 || !this.nginx) return named;
    const { nginx, stack } = this;
    const groups = nginx.servers.flatMap((server) =>
      this.routes.flatMap(
        ({ route }) => nginx.groupBehind(nginx.locationFor(server, samplePath(route))) ?? [],
      ),
    );
    const hosts = new Set(groups.flatMap(({ targets }) => targets.map(({ host }) => host)));
    return [...new Set([...hosts].flatMap((host) => stack.serviceAt(host) ?? []))];
  }
}

type Refused = Chain['refused'][number];

function readGateway(service: ComposeService, places: SourcePlaces): Gateway | Refused {
  try {
    return Gateway.read(service, places);
  } catch (error) {
    if (error instanceof ConfigurationError) return { service, error };
    throw error;
  }
}
