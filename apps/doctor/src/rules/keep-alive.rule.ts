import type { Chain } from '../chain/chain.js';
import { keepAliveOf } from '../chain/labels.js';
import type { Nginx } from '../chain/nginx.js';
import { sayDirective, type NginxBlock } from '../chain/nginx-block.js';
import type { Said } from '../chain/said.js';
import { count, nginxMs, sayMs } from '../chain/units.js';
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

  *check(chain: Chain): Iterable<Fault> {
    yield* nginxBeforeGateway(chain);
    yield* gatewayBeforeServices(chain);
    yield* connectionsKept(chain);
  },
};

function* nginxBeforeGateway(chain: Chain): Iterable<Fault> {
  for (const { block } of chain.gatewayGroups) {
    if (!block || block.own('keepalive').length === 0) continue;
    const own = block.own('keepalive_timeout').at(-1);
    const idle: Said<number> = own
      ? nginxMs({ value: own.args[0] ?? '', says: sayDirective(own), at: own.at })
      : {
          value: NGINX_KEEP_ALIVE_MS,
          says: `no keepalive_timeout: nginx's ${sayMs(NGINX_KEEP_ALIVE_MS)}`,
          at: block.directive.at,
        };
    for (const gateway of chain.gateways) {
      const kept = gateway.setting('CLIENT_KEEP_ALIVE_MS');
      if (kept.value > idle.value) continue;
      yield {
        places: [idle, kept],
        wants: `keepalive_timeout below ${sayMs(kept.value)} in the upstream block`,
        breaks:
          'The gateway closes a connection on which nginx is sending a request, and a POST then fails with 502.',
      };
    }
  }
}

function* gatewayBeforeServices(chain: Chain): Iterable<Fault> {
  for (const gateway of chain.gateways) {
    const pooled = gateway.setting('UPSTREAM_KEEP_ALIVE_MS');
    for (const upstream of chain.parts.upstreams) {
      for (const service of chain.servicesOf(gateway, upstream)) {
        const kept = keepAliveOf(service);
        if (pooled.value < kept.value) continue;
        yield {
          places: [pooled, kept],
          wants: `UPSTREAM_KEEP_ALIVE_MS below ${kept.value}, or a label that says how long ${service.name} keeps one`,
          breaks: `${service.name} closes a connection on which the gateway is sending a request, and a POST then fails with 502.`,
        };
      }
    }
  }
}

/** What an upstream block keeps, its locations must not close. */
function* connectionsKept(chain: Chain): Iterable<Fault> {
  const nginx = chain.nginx!;
  for (const location of chain.plainLocations) {
    const place = { value: location, says: location.says, at: location.directive.at };
    for (const { block, said } of nginx.groupsBehind(location)) {
      const keepalive = block?.own('keepalive').at(-1);
      const closing = closingHeader(nginx, location);
      if (!keepalive) {
        yield {
          places: [said, place],
          wants:
            'keepalive in an upstream block: without a word only nginx 1.29.7 and newer keep connections',
          breaks: NOT_REUSED,
        };
      } else if (closing) {
        yield {
          places: [closing, { value: keepalive.args, says: sayDirective(keepalive), at: keepalive.at }],
          wants: "proxy_set_header Connection '' and proxy_http_version 1.1 where no WebSocket is carried",
          breaks: NOT_REUSED,
        };
      }
    }
  }
  for (const { block } of chain.gatewayGroups) {
    const requests = block?.own('keepalive_requests').at(-1);
    if (!requests) continue;
    const most = count({ value: requests.args[0] ?? '', says: sayDirective(requests), at: requests.at });
    if (most.value >= LEAST_REQUESTS) continue;
    yield {
      places: [most, { value: block!.directive.args, says: block!.says, at: block!.directive.at }],
      wants: `keepalive_requests of ${LEAST_REQUESTS} or more`,
      breaks: 'Connections to the gateway are torn down under load for no reason.',
    };
  }
}

/** What makes nginx close the connection after a plain request; undefined where nothing does. */
function closingHeader(nginx: Nginx, location: NginxBlock): Said | undefined {
  const version = location.setting('proxy_http_version');
  if (version.value[0] !== '1.1') return version;
  const connection = location.sentHeader('Connection');
  if (!connection) {
    return {
      value: 'close',
      says: 'no proxy_set_header Connection: close before nginx 1.29.7',
      at: location.directive.at,
    };
  }
  const value = nginx.mapped(connection.value, '');
  return value === '' || value.toLowerCase() === 'keep-alive' ? undefined : connection;
}
