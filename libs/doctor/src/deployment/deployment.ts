import { addressVariableFor } from '@app/gateway/internal';
import { isWebSocketOnly, settingNameOf, type RouteOptions, type UpstreamOptions } from '@app/proxy/internal';
import type { TextFiles } from '../files/text-files.js';
import { isRedisImage } from './images.js';
import { SettingsConfigurationError, Gateway } from './gateway.js';
import type { Nginx, NginxGroup } from './nginx.js';
import type { NginxBlock } from './nginx-block.js';
import type { Prometheus } from './prometheus.js';
import { gatewayServices, nginxInFront } from './roles.js';
import { samplePath, type Application } from './application.js';
import type { Sourced } from '../files/sourced.js';
import type { ComposeService } from './service.js';
import { SourceLocations } from './source-locations.js';
import type { Stack } from './stack.js';

/** A route with its upstream and its line in the code. */
export interface RouteRow {
  readonly route: RouteOptions;
  readonly upstream: UpstreamOptions;
  readonly source: Sourced;
}

/** A route, and the location of nginx that passes it to a gateway. */
export interface Carried extends RouteRow {
  readonly location: NginxBlock;
  readonly server: NginxBlock;
}

export interface DeploymentParts {
  readonly files: TextFiles;
  readonly stack: Stack;
  /** All services that may be the nginx in front of the gateways. */
  readonly nginxes: readonly Nginx[];
  readonly prometheus: Prometheus | undefined;
  readonly application: Application;
  /** Paths of committed examples of `.env`. */
  readonly examples: readonly string[];
}

/** The way of a request from a client to a service, as all files together describe it. */
export class Deployment {
  /** The nginx in front of the gateways. */
  readonly nginx: Nginx | undefined;
  readonly gateways: readonly Gateway[];
  /** Gateways that would not start, each with its error. */
  readonly refused: readonly {
    readonly service: ComposeService;
    readonly error: SettingsConfigurationError;
  }[];
  readonly routes: readonly RouteRow[];
  /** Every block of nginx that passes requests to a gateway. */
  readonly gatewayLocations: readonly NginxBlock[];
  /** The groups of servers with a gateway among them. */
  readonly gatewayGroups: readonly NginxGroup[];
  /** Every route in every server that passes it to a gateway, in each block that may. */
  readonly carried: readonly Carried[];
  /** Blocks that pass a WebSocket route to a gateway. */
  readonly webSocketLocations: ReadonlySet<NginxBlock>;
  /** Blocks that pass WebSocket routes to a gateway, and no other routes. */
  readonly webSocketOnlyLocations: ReadonlySet<NginxBlock>;
  /** Blocks that pass plain requests to a gateway. */
  readonly plainLocations: readonly NginxBlock[];
  private readonly gatewayNames: ReadonlySet<ComposeService>;

  constructor(readonly parts: DeploymentParts) {
    const { files, stack, application, nginxes } = parts;
    const places = new SourceLocations(files);
    this.routes = application.upstreams.flatMap((upstream) => rowsOf(upstream, places));
    const routes = this.routes.map(({ route }) => route);
    this.nginx = nginxInFront(nginxes, stack, routes);
    const services = gatewayServices(this.nginx, stack, routes);
    this.gatewayNames = new Set(services);
    const read = services.map((service) => readGateway(service, places, application));
    this.gateways = read.filter((each) => each instanceof Gateway);
    this.refused = read.filter((each): each is Refused => !(each instanceof Gateway));
    this.gatewayGroups = (this.nginx?.groups ?? []).filter((group) => this.holdsGateway(group));
    this.gatewayLocations = (this.nginx?.proxyBlocks ?? []).filter((block) => this.leadsToGateway(block));
    this.carried = this.routes.flatMap((row) => this.carriersOf(row));
    const plain = locationsOf(this.carried.filter(({ route }) => !isWebSocketOnly(route)));
    this.webSocketLocations = locationsOf(this.carried.filter(({ route }) => route.websocket));
    this.webSocketOnlyLocations = new Set(
      [...this.webSocketLocations].filter((location) => !plain.has(location)),
    );
    this.plainLocations = this.gatewayLocations.filter(
      (location) => !this.webSocketOnlyLocations.has(location),
    );
  }

  get prometheus(): Prometheus | undefined {
    return this.parts.prometheus;
  }

  get upstreams(): readonly UpstreamOptions[] {
    return this.parts.application.upstreams;
  }

  get stack(): Stack {
    return this.parts.stack;
  }

  /** All gateways, including those that would not start. */
  get gatewayServices(): readonly ComposeService[] {
    return [...this.gatewayNames];
  }

  /** The addresses that a gateway uses for an upstream. */
  addressesOf(gateway: Gateway, upstream: UpstreamOptions): readonly string[] {
    const { addresses } = gateway.config.proxy;
    return addresses.get(settingNameOf(upstream.name)) ?? upstream.instances ?? [];
  }

  /** The variable with a gateway's addresses of an upstream, or its row in the code. */
  addressSource(gateway: Gateway, { name }: UpstreamOptions): Sourced {
    const variable = addressVariableFor(name);
    const set = gateway.service.variable(variable);
    if (set?.value) return set;
    const row = this.routes.find(({ upstream }) => upstream.name === name);
    const text = `${variable} not set: the upstream's own address`;
    return { value: undefined, text, at: row?.source.at ?? gateway.service.at };
  }

  /** The services of the compose file that are a gateway's instances of an upstream. */
  servicesOf(gateway: Gateway, upstream: UpstreamOptions): readonly ComposeService[] {
    return this.addressesOf(gateway, upstream).flatMap(
      (address) => this.stack.serviceAt(new URL(address).hostname) ?? [],
    );
  }

  /** All services that are instances of a gateway's upstreams. */
  calledBy(gateway: Gateway): readonly ComposeService[] {
    return [...new Set(this.upstreams.flatMap((upstream) => this.servicesOf(gateway, upstream)))];
  }

  /** The service that is a gateway's Redis, by its address, or by its image if the address is in a secret. */
  redisOf(gateway: Gateway): ComposeService | undefined {
    const { redisHost } = gateway;
    if (redisHost !== undefined) return this.stack.serviceAt(redisHost);
    return this.stack.running.find(({ baseImage }) => isRedisImage(baseImage));
  }

  /** A route in each server of nginx, in each block that may pass it to a gateway. */
  private carriersOf(row: RouteRow): Carried[] {
    const { nginx } = this;
    if (!nginx) return [];
    return nginx.servers.flatMap((server) =>
      nginx
        .proxyBlocksFor(server, samplePath(row.route))
        .filter((location) => this.leadsToGateway(location))
        .map((location) => ({ ...row, location, server })),
    );
  }

  private leadsToGateway(block: NginxBlock): boolean {
    return this.nginx!.groupsFor(block).some((group) => this.holdsGateway(group));
  }

  private holdsGateway({ targets }: NginxGroup): boolean {
    return targets.some(({ host }) => {
      const service = this.stack.serviceAt(host);
      return service !== undefined && this.gatewayNames.has(service);
    });
  }
}

function rowsOf(upstream: UpstreamOptions, places: SourceLocations): RouteRow[] {
  return upstream.routes.map((route) => {
    const text = `${route.methods.join(' ')} ${route.path}`;
    return { route, upstream, source: { value: route, text, at: places.ofRoute(route.path) } };
  });
}

const locationsOf = (carried: readonly Carried[]): Set<NginxBlock> =>
  new Set(carried.map(({ location }) => location));

type Refused = Deployment['refused'][number];

function readGateway(
  service: ComposeService,
  places: SourceLocations,
  { settings }: Application,
): Gateway | Refused {
  try {
    return Gateway.read(service, places, settings);
  } catch (error) {
    if (error instanceof SettingsConfigurationError) return { service, error };
    throw error;
  }
}
