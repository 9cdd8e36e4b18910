import type { Deployment } from '../deployment/deployment.js';
import { keepAliveOf } from '../deployment/labels.js';
import type { Nginx } from '../deployment/nginx.js';
import { sayDirective, type NginxBlock } from '../deployment/nginx-block.js';
import type { Sourced } from '../deployment/sourced.js';
import { count, nginxMs, sayMs } from '../deployment/units.js';
import type { Fault, Rule } from './rule.js';

/** nginx's own `keepalive_timeout` of an upstream block. */
const NGINX_KEEP_ALIVE_MS = 60_000;

const LEAST_REQUESTS = 1_000;

const NOT_REUSED = 'No connection to the gateway is used again: each request pays for one of its own.';

/**
 * Whoever opens a connection closes it first: the other end may close it at the moment in which it is used again.
 *
 * Node demands nothing more of the gateway's header clock: since version 18 it runs from the first byte of a request
 * and not from the end of the one before, so that 15 s of it fit any keep-alive, and only a `requestTimeout` must not
 * be less, which the gateway sets to none (Node's documentation of `server.headersTimeout`; seen on Node 24).
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
    for (const upstream of deployment.parts.upstreams) {
      for (const service of deployment.servicesOf(gateway, upstream)) {
        const kept = keepAliveOf(service);
        if (pooled.value < kept.value) continue;
        yield {
          places: [pooled, kept],
          expected: `UPSTREAM_KEEP_ALIVE_TIMEOUT_MS below ${kept.value}, or a label that says how long ${service.name} keeps one`,
          impact: `${service.name} closes a connection on which the gateway is sending a request, and a POST then fails with 502.`,
        };
      }
    }
  }
}

/** What an upstream block keeps, its locations must not close. */
function* connectionsKept(deployment: Deployment): Iterable<Fault> {
  const nginx = deployment.nginx!;
  for (const location of deployment.plainLocations) {
    const place = { value: location, text: location.text, at: location.directive.at };
    for (const { block, said } of nginx.groupsBehind(location)) {
      const keepalive = block?.own('keepalive').at(-1);
      const closing = closingHeader(nginx, location);
      if (!keepalive) {
        yield {
          places: [said, place],
          expected:
            'keepalive in an upstream block: without a word only nginx 1.29.7 and newer keep connections',
          impact: NOT_REUSED,
        };
      } else if (closing) {
        yield {
          places: [closing, { value: keepalive.args, text: sayDirective(keepalive), at: keepalive.at }],
          expected: "proxy_set_header Connection '' and proxy_http_version 1.1 where no WebSocket is carried",
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
      impact: 'Connections to the gateway are torn down under load for no reason.',
    };
  }
}

/** What makes nginx close the connection after a plain request; undefined where nothing does. */
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
  const value = nginx.mapped(connection.value, '');
  return value === '' || value.toLowerCase() === 'keep-alive' ? undefined : connection;
}
