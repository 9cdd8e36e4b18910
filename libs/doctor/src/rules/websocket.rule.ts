import type { Deployment } from '../deployment/deployment.js';
import { websocketReadTimeoutOf } from '../deployment/labels.js';
import type { Nginx } from '../deployment/nginx.js';
import type { NginxBlock } from '../deployment/nginx-block.js';
import { nginxMs, sayMs } from '../deployment/units.js';
import type { Fault, Rule } from './rule.js';

/** One late pong is allowed. */
const PINGS = 2;

/**
 * Every WebSocket route has a location of nginx that passes the upgrade, and no other location does. The gateway pings
 * more often than the read timeouts of nginx and the services.
 */
export const websocketRule: Rule = {
  name: 'websocket',

  *check(deployment: Deployment): Iterable<Fault> {
    if (deployment.nginx) {
      yield* upgradesThatFail(deployment, deployment.nginx);
      yield* upgradesTooMany(deployment, deployment.nginx);
      yield* nginxTimeouts(deployment);
    }
    yield* serviceTimeouts(deployment);
  },
};

function* upgradesThatFail(deployment: Deployment, nginx: Nginx): Iterable<Fault> {
  for (const { route, location, source } of deployment.carried) {
    if (!route.websocket || passesUpgrade(nginx, location)) continue;
    yield {
      places: [{ value: location, text: location.text, at: location.directive.at }, source],
      expected: `a location for ${route.path} with proxy_http_version 1.1, Upgrade $http_upgrade and Connection upgrade`,
      impact:
        'No WebSocket can be opened on this route: the gateway sees a plain request and responds with 426.',
    };
  }
}

/** A location may pass WebSockets and plain requests if it has a map on `$http_upgrade`. */
function* upgradesTooMany(deployment: Deployment, nginx: Nginx): Iterable<Fault> {
  for (const location of deployment.plainLocations) {
    const [upgrade, connection] = [location.sentHeader('Upgrade'), location.sentHeader('Connection')];
    const isMapped =
      connection &&
      nginx.valueForUpgrade(connection.value, '') !== nginx.valueForUpgrade(connection.value, 'websocket');
    if (!upgrade?.value || (isMapped && deployment.webSocketLocations.has(location))) continue;
    yield {
      places: [upgrade, { value: location, text: location.text, at: location.directive.at }],
      expected:
        'Upgrade and Connection in the locations of WebSocket routes alone, or Connection from a map on $http_upgrade',
      impact:
        'Plain requests have Upgrade headers, and nginx does not reuse their connections to the gateway.',
    };
  }
}

function* nginxTimeouts(deployment: Deployment): Iterable<Fault> {
  for (const gateway of deployment.gateways) {
    const ping = gateway.setting('WEBSOCKET_PING_INTERVAL_MS');
    for (const { route, location } of deployment.carried) {
      const read = nginxMs(location.word('proxy_read_timeout'));
      if (!route.websocket || read.value > PINGS * ping.value) continue;
      yield {
        places: [read, ping],
        expected: `proxy_read_timeout above ${sayMs(PINGS * ping.value)}, which is ${PINGS} pings`,
        impact: 'nginx cuts off a silent WebSocket, without a close frame.',
      };
    }
  }
}

function* serviceTimeouts(deployment: Deployment): Iterable<Fault> {
  for (const gateway of deployment.gateways) {
    const ping = gateway.setting('WEBSOCKET_PING_INTERVAL_MS');
    for (const upstream of deployment.upstreams) {
      if (!upstream.routes.some(({ websocket }) => websocket)) continue;
      for (const service of deployment.servicesOf(gateway, upstream)) {
        const read = websocketReadTimeoutOf(service);
        if (!read || read.value > ping.value) continue;
        yield {
          places: [ping, read],
          expected: `WEBSOCKET_PING_INTERVAL_MS below ${read.value}`,
          impact: `${service.name} cuts off a WebSocket between two pings of the gateway.`,
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
    nginx.valueForUpgrade(connection.value, 'websocket').toLowerCase() === 'upgrade' &&
    location.setting('proxy_http_version').value[0] === '1.1'
  );
}
