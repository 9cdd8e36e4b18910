import { isIP } from 'node:net';
import type { Deployment } from '../deployment/deployment.js';
import { includesPort, sayPorts } from '../deployment/ports.js';
import { listeningPorts } from '../deployment/listens.js';
import type { Sourced } from '../files/sourced.js';
import type { ComposeService } from '../deployment/service.js';
import type { Fault, Rule } from './rule.js';

interface Call {
  readonly caller: string;
  /** Undefined if the caller is no service of the compose file. */
  readonly from: ComposeService | undefined;
  readonly host: string;
  readonly port: number;
  readonly source: Sourced;
}

/** Every name that nginx, a gateway or Prometheus calls is a service with that port, on a shared network. */
export const namesRule: Rule = {
  name: 'names',

  *check(deployment: Deployment): Iterable<Fault> {
    for (const call of [
      ...nginxCalls(deployment),
      ...gatewayCalls(deployment),
      ...prometheusCalls(deployment),
    ]) {
      yield* check(deployment, call);
    }
    yield* namesAskedOnce(deployment);
  },
};

function* check({ stack }: Deployment, { caller, from, host, port, source }: Call): Iterable<Fault> {
  const service = stack.serviceAt(host);
  if (!service) {
    // An address or a full name may be outside of the stack.
    if (isIP(host) !== 0 || host.includes('.') || host.startsWith('unix:') || host === 'localhost') return;
    yield {
      places: [source, { value: undefined, text: 'services', at: stack.node.entries.get('services')!.at }],
      expected: `a service called ${host}`,
      impact: `${caller} finds no server of that name.`,
    };
    return;
  }
  const ports = listeningPorts(service);
  const place = { value: service, text: `service ${service.name}`, at: service.at };
  if (ports.length > 0 && !includesPort(ports, port)) {
    yield {
      places: [source, service.variable('PORT') ?? place],
      expected: `port ${sayPorts(ports)} of ${service.name}`,
      impact: `${caller} calls a port on which ${service.name} does not listen.`,
    };
  }
  if (!from || from.networks.some((network) => service.networks.includes(network))) return;
  yield {
    places: [source, place],
    expected: `a network that ${from.name} and ${service.name} share`,
    impact: `${caller} cannot reach ${service.name}.`,
  };
}

function nginxCalls({ nginx }: Deployment): Call[] {
  return (nginx?.groups ?? []).flatMap(({ targets }) =>
    targets.map(({ host, port, source }) => ({ caller: 'nginx', from: nginx!.service, host, port, source })),
  );
}

function gatewayCalls(deployment: Deployment): Call[] {
  return deployment.gateways.flatMap((gateway) => {
    const { service } = gateway;
    const upstreams = deployment.upstreams.flatMap((upstream) =>
      deployment.addressesOf(gateway, upstream).map((address) => ({
        caller: service.name,
        from: service,
        ...hostOf(new URL(address)),
        source: deployment.addressSource(gateway, upstream),
      })),
    );
    // The doctor does not read secrets.
    if (service.variable('REDIS_URL_FILE')?.value) return upstreams;
    const redis = hostOf(new URL(gateway.config.redis.url), 6379);
    const set = ['REDIS_URL', 'REDIS_HOST'].map((name) => service.variable(name)).find((each) => each?.value);
    const text = `no REDIS_URL and no REDIS_HOST: ${redis.host}`;
    const source = set ?? { value: redis, text, at: service.at };
    return [...upstreams, { caller: service.name, from: service, ...redis, source }];
  });
}

function prometheusCalls({ prometheus }: Deployment): Call[] {
  return (prometheus?.targets ?? []).map((target) => ({
    ...target,
    caller: 'Prometheus',
    from: prometheus!.service,
  }));
}

function hostOf(url: URL, fallback = url.protocol === 'https:' ? 443 : 80): { host: string; port: number } {
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || fallback) };
}

/** nginx looks up names again, since a new container of a service has another address. */
function* namesAskedOnce({ nginx, stack }: Deployment): Iterable<Fault> {
  for (const group of nginx?.groups ?? []) {
    for (const { host, isReResolved, source } of group.targets) {
      const service = stack.serviceAt(host);
      if (isReResolved || !service || isIP(host) !== 0 || service.addresses.length > 0) continue;
      yield {
        places: [source, { value: service, text: `service ${service.name}`, at: service.at }],
        expected: 'resolve on the server line, with a resolver and a zone (nginx 1.27.3)',
        impact: `nginx looks ${host} up once, and responds with 502 after the container was replaced.`,
      };
    }
  }
}
