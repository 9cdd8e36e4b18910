import type { Chain } from '../chain/chain.js';
import { websocketReadTimeoutOf } from '../chain/labels.js';
import type { Nginx } from '../chain/nginx.js';
import type { NginxBlock } from '../chain/nginx-block.js';
import { nginxMs, sayMs } from '../chain/units.js';
import type { Fault, Rule } from './rule.js';

/** A pong may come late once. */
const PINGS = 2;

/**
 * Every WebSocket route of the gateway has a location of nginx that passes the upgrade, and no other location does;
 * the gateway's pings keep each side's read clock from firing.
 */
export const websocketRule: Rule = {
  name: 'websocket',

  *check(chain: Chain): Iterable<Fault> {
    if (chain.nginx) {
      yield* upgradesThatFail(chain, chain.nginx);
      yield* upgradesTooMany(chain);
      yield* nginxClocks(chain);
    }
    yield* serviceClocks(chain);
  },
};

function* upgradesThatFail(chain: Chain, nginx: Nginx): Iterable<Fault> {
  const servers = new Set(chain.carried.map(({ server }) => server));
  for (const { route, said } of chain.routes) {
    if (!route.websocket) continue;
    for (const server of servers) {
      const location = chain.carried.find((each) => each.route === route && each.server === server)?.location;
      if (location && passesUpgrade(nginx, location)) continue;
      const block = location ?? server;
      yield {
        places: [{ value: block, says: block.says, at: block.directive.at }, said],
        wants: `a location for ${route.path} with proxy_http_version 1.1, Upgrade $http_upgrade and Connection upgrade`,
        breaks: 'No WebSocket can be opened on this route: the gateway sees a plain request and answers 426.',
      };
    }
  }
}

function* upgradesTooMany(chain: Chain): Iterable<Fault> {
  const webSockets = new Map(
    chain.carried.filter(({ route }) => route.websocket).map((row) => [row.location.directive, row]),
  );
  for (const location of chain.gatewayLocations) {
    const upgrade = location.sentHeader('Upgrade');
    if (!upgrade?.value || webSockets.has(location.directive)) continue;
    yield {
      places: [upgrade, { value: location, says: location.says, at: location.directive.at }],
      wants: 'Upgrade and Connection in the locations of WebSocket routes alone',
      breaks: 'Plain requests carry an upgrade to the gateway, and lose their kept connection.',
    };
  }
}

function* nginxClocks(chain: Chain): Iterable<Fault> {
  for (const gateway of chain.gateways) {
    const ping = gateway.setting('WEBSOCKET_PING_MS');
    for (const { route, location } of chain.carried) {
      const read = location.setting('proxy_read_timeout');
      if (!route.websocket || nginxMs(read.value[0] ?? '') > PINGS * ping.value) continue;
      yield {
        places: [read, ping],
        wants: `proxy_read_timeout above ${sayMs(PINGS * ping.value)}, which is ${PINGS} pings`,
        breaks: 'nginx cuts a WebSocket that is only quiet, without a close frame.',
      };
    }
  }
}

function* serviceClocks(chain: Chain): Iterable<Fault> {
  for (const gateway of chain.gateways) {
    const ping = gateway.setting('WEBSOCKET_PING_MS');
    for (const upstream of chain.parts.upstreams) {
      if (!upstream.routes.some(({ websocket }) => websocket)) continue;
      for (const service of chain.servicesOf(gateway, upstream)) {
        const read = websocketReadTimeoutOf(service);
        if (!read || read.value > ping.value) continue;
        yield {
          places: [ping, read],
          wants: `WEBSOCKET_PING_MS below ${read.value}`,
          breaks: `${service.name} cuts a WebSocket between two pings of the gateway.`,
        };
      }
    }
  }
}

function passesUpgrade(nginx: Nginx, location: NginxBlock): boolean {
  const [upgrade, connection] = [location.sentHeader('Upgrade'), location.sentHeader('Connection')];
  return (
    upgrade?.value === '$http_upgrade' &&
    connection !== undefined &&
    nginx.mapped(connection.value, 'websocket').toLowerCase() === 'upgrade' &&
    location.setting('proxy_http_version').value[0] === '1.1'
  );
}
