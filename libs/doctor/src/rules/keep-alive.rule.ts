import type { Deployment } from '../deployment/deployment.js';
import { KEEP_ALIVE_LABEL, keepAliveOf } from '../deployment/labels.js';
import type { Nginx } from '../deployment/nginx.js';
import { sayDirective, type NginxBlock } from '../deployment/nginx-block.js';
import type { Sourced } from '../files/sourced.js';
import { count, nginxMs, sayMs } from '../deployment/units.js';
import type { Fault, Rule } from './rule.js';

/** nginx's own `keepalive_timeout` of an upstream block. */
const NGINX_KEEP_ALIVE_MS = 60_000;

const LEAST_REQUESTS = 1_000;

const NOT_REUSED = 'nginx reuses no connection to the gateway: each request opens a new one.';

/**
 * The end that opens a connection closes it first. Otherwise the other end may close it while a request is on its way.
 *
 * CLIENT_HEADER_TIMEOUT_MS needs no comparison with the keep-alive timeout: since version 18 Node counts it from the first
 * byte of a request, and not from the end of the previous request (documentation of `server.headersTimeout`).
 */
export const keepAliveRule: Rule = {
  name: 'keep-alive',

  *check(deployment: Deployment): Iterable<Fault> {
    yield* nginxBeforeGateway(deployment);
    yield* gatewayBeforeServices(deployment);
    yield* connectionsKept(deployment);
  },
};

function* nginxBeforeGateway(deployment: Deployment): Iterable<Fault> {
  for (const { block } of deployment.gatewayGroups) {
    if (!block || block.own('keepalive').length === 0) continue;
    const own = block.own('keepalive_timeout').at(-1);
    const idle: Sourced<number> = own
      ? nginxMs({ value: own.args[0] ?? '', text: sayDirective(own), at: own.at })
      : {
          value: NGINX_KEEP_ALIVE_MS,
          text: `no keepalive_timeout: nginx's ${sayMs(NGINX_KEEP_ALIVE_MS)}`,
          at: block.directive.at,
        };
    for (const gateway of deployment.gateways) {
      const kept = gateway.setting('CLIENT_KEEP_ALIVE_TIMEOUT_MS');
      if (kept.value > idle.value) continue;
      yield {
        places: [idle, kept],
        expected: `keepalive_timeout below ${sayMs(kept.value)} in the upstream block`,
        impact:
          'The gateway closes a connection on which nginx is sending a request, and a POST then fails with 502.',
      };
    }
  }
}

function* gatewayBeforeServices(deployment: Deployment): Iterable<Fault> {
  for (const gateway of deployment.gateways) {
    const pooled = gateway.setting('UPSTREAM_KEEP_ALIVE_TIMEOUT_MS');
    for (const upstream of deployment.upstreams) {
      for (const service of deployment.servicesOf(gateway, upstream)) {
        const kept = keepAliveOf(service);
        if (pooled.value < kept.value) continue;
        yield {
          places: [pooled, kept],
          expected: `UPSTREAM_KEEP_ALIVE_TIMEOUT_MS below ${kept.value}, or the label ${KEEP_ALIVE_LABEL} on ${service.name}`,
          impact: `${service.name} closes a connection on which the gateway is sending a request, and a POST then fails with 502.`,
        };
      }
    }
  }
}

/** Upstream blocks keep connections open, and their locations do not close them. */
function* connectionsKept(deployment: Deployment): Iterable<Fault> {
  const nginx = deployment.nginx!;
  for (const location of deployment.plainLocations) {
    const place = { value: location, text: location.text, at: location.directive.at };
    for (const { block, source } of nginx.groupsFor(location)) {
      const keepalive = block?.own('keepalive').at(-1);
      const closing = closingHeader(nginx, location);
      if (!keepalive) {
        yield {
          places: [source, place],
          expected:
            'keepalive in an upstream block: without it only nginx 1.29.7 and newer keep connections open',
          impact: NOT_REUSED,
        };
      } else if (closing) {
        yield {
          places: [closing, { value: keepalive.args, text: sayDirective(keepalive), at: keepalive.at }],
          expected:
            "proxy_set_header Connection '' and proxy_http_version 1.1 in locations without WebSockets",
          impact: NOT_REUSED,
        };
      }
    }
  }
  for (const { block } of deployment.gatewayGroups) {
    const requests = block?.own('keepalive_requests').at(-1);
    if (!requests) continue;
    const most = count({ value: requests.args[0] ?? '', text: sayDirective(requests), at: requests.at });
    if (most.value >= LEAST_REQUESTS) continue;
    yield {
      places: [most, { value: block!.directive.args, text: block!.text, at: block!.directive.at }],
      expected: `keepalive_requests of ${LEAST_REQUESTS} or more`,
      impact: 'nginx closes connections to the gateway under load, and opens new ones.',
    };
  }
}

/** The directive that makes nginx close the connection after a plain request; undefined without one. */
function closingHeader(nginx: Nginx, location: NginxBlock): Sourced | undefined {
  const version = location.setting('proxy_http_version');
  if (version.value[0] !== '1.1') return version;
  const connection = location.sentHeader('Connection');
  if (!connection) {
    return {
      value: 'close',
      text: 'no proxy_set_header Connection: close before nginx 1.29.7',
      at: location.directive.at,
    };
  }
  const value = nginx.valueForUpgrade(connection.value, '');
  return value === '' || value.toLowerCase() === 'keep-alive' ? undefined : connection;
}
