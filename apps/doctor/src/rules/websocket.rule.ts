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
      yield* upgradesTooMany(chain, chain.nginx);
      yield* nginxClocks(chain);
    }
    yield* serviceClocks(chain);
  },
};

function* upgradesThatFail(chain: Chain, nginx: Nginx): Iterable<Fault> {
  for (const { route, location, said } of chain.carried) {
    if (!route.websocket || passesUpgrade(nginx, location)) continue;
    yield {
      places: [{ value: location, says: location.says, at: location.directive.at }, said],
      wants: `a location for ${route.path} with proxy_http_version 1.1, Upgrade $http_upgrade and Connection upgrade`,
      breaks: 'No WebSocket can be opened on this route: the gateway sees a plain request and answers 426.',
    };
  }
}

/** A location may carry both kinds where a map on `$http_upgrade` tells them apart. */
function* upgradesTooMany(chain: Chain, nginx: Nginx): Iterable<Fault> {
  for (const location of chain.plainLocations) {
    const [upgrade, connection] = [location.sentHeader('Upgrade'), location.sentHeader('Connection')];
    const isMapped =
      connection && nginx.mapped(connection.value, '') !== nginx.mapped(connection.value, 'websocket');
    if (!upgrade?.value || (isMapped && chain.webSocketLocations.has(location))) continue;
    yield {
      places: [upgrade, { value: location, says: location.says, at: location.directive.at }],
      wants:
        'Upgrade and Connection in the locations of WebSocket routes alone, or Connection from a map on $http_upgrade',
      breaks: 'Ordinary requests carry Upgrade headers, and their connection to the gateway is not reused.',
    };
  }
}

function* nginxClocks(chain: Chain): Iterable<Fault> {
  for (const gateway of chain.gateways) {
    const ping = gateway.setting('WEBSOCKET_PING_MS');
    for (const { route, location } of chain.carried) {
      const read = nginxMs(location.text('proxy_read_timeout'));
      if (!route.websocket || read.value > PINGS * ping.value) continue;
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
