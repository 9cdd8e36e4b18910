import { leastRequestTimeoutMs } from '@app/gateway/internal';
import { isWebSocketOnly } from '@app/proxy/internal';
import type { Deployment } from '../deployment/deployment.js';
import type { Gateway } from '../deployment/gateway.js';
import { responseTimeoutOf } from '../deployment/labels.js';
import type { NginxBlock } from '../deployment/nginx-block.js';
import type { Sourced } from '../files/sourced.js';
import { nginxMs, sayMs } from '../deployment/units.js';
import type { Fault, Rule } from './rule.js';

/**
 * The timeouts of a service are less than the gateway's, and the gateway's less than nginx's. Of two equal timeouts, the
 * outer one could cut off the response of the inner one. The `websocket` rule compares those of WebSockets.
 */
export const timeoutsRule: Rule = {
  name: 'timeouts',

  *check(deployment: Deployment): Iterable<Fault> {
    for (const gateway of deployment.gateways) {
      yield* routeTimeouts(deployment, gateway);
      yield* requestTimeouts(deployment, gateway);
      yield* routeStreams(deployment);
      yield* serviceTimeouts(deployment, gateway);
      for (const location of deployment.plainLocations) yield* idleBodies(gateway, location);
      yield* eventStreams(deployment, gateway);
    }
  },
};

function* routeTimeouts(deployment: Deployment, gateway: Gateway): Iterable<Fault> {
  const { proxy } = gateway.config;
  for (const { route, source } of deployment.routes) {
    const { responseHeadersTimeoutMs, requestTimeoutMs = proxy.requestTimeoutMs } = route;
    if (responseHeadersTimeoutMs === undefined) continue;
    const leastMs = leastRequestTimeoutMs({ ...proxy, responseHeadersTimeoutMs });
    if (requestTimeoutMs >= leastMs) continue;
    yield {
      places: [{ ...source, text: `${source.text}: responseHeadersTimeoutMs ${responseHeadersTimeoutMs}` }],
      expected: `requestTimeoutMs of ${leastMs} or more: CONNECT_TIMEOUT_MS for each attempt, and responseHeadersTimeoutMs for the last one`,
      impact: 'requestTimeoutMs ends the last attempt before its responseHeadersTimeoutMs has passed.',
    };
  }
}

function* requestTimeouts(deployment: Deployment, gateway: Gateway): Iterable<Fault> {
  for (const { route, source, location } of deployment.carried) {
    if (isWebSocketOnly(route)) continue;
    const timeout: Sourced<number> =
      route.requestTimeoutMs === undefined
        ? gateway.setting('REQUEST_TIMEOUT_MS')
        : {
            ...source,
            value: route.requestTimeoutMs,
            text: `${source.text}: requestTimeoutMs ${route.requestTimeoutMs}`,
          };
    const read = time(location, 'proxy_read_timeout');
    if (read.value > timeout.value) continue;
    yield {
      places: [read, timeout],
      expected: `proxy_read_timeout above ${sayMs(timeout.value)}`,
      impact:
        'nginx responds with 504 while the gateway may still make an attempt, and the response of the gateway is lost.',
    };
  }
}

function* routeStreams({ carried }: Deployment): Iterable<Fault> {
  for (const { route, source, location } of carried) {
    const { streamIdleTimeoutMs, websocket } = route;
    if (streamIdleTimeoutMs === undefined || websocket) continue;
    const read = time(location, 'proxy_read_timeout');
    if (read.value > streamIdleTimeoutMs) continue;
    yield {
      places: [read, { ...source, text: `${source.text}: streamIdleTimeoutMs ${streamIdleTimeoutMs}` }],
      expected: `proxy_read_timeout above ${sayMs(streamIdleTimeoutMs)}`,
      impact: 'nginx cuts off a response that pauses, though the route lets it pause for longer.',
    };
  }
}

function* serviceTimeouts(deployment: Deployment, gateway: Gateway): Iterable<Fault> {
  const headers = gateway.setting('RESPONSE_HEADERS_TIMEOUT_MS');
  for (const upstream of deployment.upstreams) {
    for (const service of deployment.servicesOf(gateway, upstream)) {
      const own = responseTimeoutOf(service);
      if (!own || own.value < headers.value) continue;
      yield {
        places: [own, headers],
        expected: `a service that responds or gives up before ${sayMs(headers.value)}`,
        impact: 'The gateway responds with 504 to a request whose response the service is about to send.',
      };
    }
  }
}

function* idleBodies(gateway: Gateway, location: NginxBlock): Iterable<Fault> {
  const idle = gateway.setting('STREAM_IDLE_TIMEOUT_MS');
  const request = gateway.setting('REQUEST_TIMEOUT_MS');
  for (const name of ['proxy_read_timeout', 'proxy_send_timeout']) {
    const timeout = time(location, name);
    // `requestTimeouts` has a finding for those at or below REQUEST_TIMEOUT_MS.
    if (timeout.value > idle.value || (name === 'proxy_read_timeout' && timeout.value <= request.value))
      continue;
    yield {
      places: [timeout, idle],
      expected: `${name} above ${sayMs(idle.value)}`,
      impact: 'nginx cuts off a body that pauses before the gateway, which knows the slow end, ends it.',
    };
  }
  const [body, grace] = [time(location, 'client_body_timeout'), gateway.setting('REQUEST_BODY_GRACE_MS')];
  if (body.value > grace.value) return;
  yield {
    places: [body, grace],
    expected: `client_body_timeout above ${sayMs(grace.value)}`,
    impact: 'nginx ends an upload that pauses before the gateway has measured its rate.',
  };
}

/** A single location with a longer timeout is enough. */
function* eventStreams(deployment: Deployment, gateway: Gateway): Iterable<Fault> {
  const idle = gateway.setting('EVENT_STREAM_IDLE_TIMEOUT_MS');
  const longest = deployment.plainLocations
    .map((location) => time(location, 'proxy_read_timeout'))
    .toSorted((a, b) => b.value - a.value)[0];
  if (!longest || longest.value > idle.value) return;
  yield {
    places: [longest, idle],
    expected: `a location for event streams with a proxy_read_timeout above ${sayMs(idle.value)}`,
    impact: `nginx cuts off an event stream that is silent for ${sayMs(longest.value)}, though the gateway keeps it open.`,
  };
}

function time(location: NginxBlock, name: string): Sourced<number> {
  return nginxMs(location.word(name));
}
