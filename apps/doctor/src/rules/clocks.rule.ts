import { leastRequestTimeoutMs } from '@app/gateway';
import type { Deployment } from '../deployment/deployment.js';
import type { Gateway } from '../deployment/gateway.js';
import { responseTimeoutOf } from '../deployment/labels.js';
import type { NginxBlock } from '../deployment/nginx-block.js';
import type { Sourced } from '../deployment/sourced.js';
import { nginxMs, sayMs } from '../deployment/units.js';
import type { Fault, Rule } from './rule.js';

/**
 * Clocks are nested strictly, from the service over the gateway to nginx: of two that may fire together, the outer one
 * cuts the answer that the inner one is about to give. WebSockets have their own rule.
 */
export const clocksRule: Rule = {
  name: 'clocks',

  *check(deployment: Deployment): Iterable<Fault> {
    for (const gateway of deployment.gateways) {
      yield* routeDeadlines(deployment, gateway);
      yield* services(deployment, gateway);
      for (const location of deployment.plainLocations) yield* idleBodies(gateway, location);
      yield* eventStreams(deployment, gateway);
    }
  },
};

function* routeDeadlines(deployment: Deployment, gateway: Gateway): Iterable<Fault> {
  const leastMs = leastRequestTimeoutMs(gateway.config.proxy);
  for (const { route, said } of deployment.routes) {
    if (route.requestTimeoutMs === undefined || route.requestTimeoutMs >= leastMs) continue;
    yield {
      places: [said, gateway.setting('RESPONSE_HEADERS_TIMEOUT_MS')],
      expected: `deadlineMs of ${leastMs} or more: every attempt's time to connect and the last one's time to answer`,
      impact: 'The deadline ends the last attempt, while the service still has time to answer it.',
    };
  }
  for (const { route, said, location } of deployment.carried) {
    if (route.websocket) continue;
    const deadline: Sourced<number> =
      route.requestTimeoutMs === undefined
        ? gateway.setting('REQUEST_TIMEOUT_MS')
        : {
            ...said,
            value: route.requestTimeoutMs,
            text: `${said.text}: deadlineMs ${route.requestTimeoutMs}`,
          };
    const read = time(location, 'proxy_read_timeout');
    if (read.value > deadline.value) continue;
    yield {
      places: [read, deadline],
      expected: `proxy_read_timeout above ${sayMs(deadline.value)}`,
      impact: "nginx answers 504 while the gateway may still try, and the gateway's own answer is lost.",
    };
  }
}

function* services(deployment: Deployment, gateway: Gateway): Iterable<Fault> {
  const headers = gateway.setting('RESPONSE_HEADERS_TIMEOUT_MS');
  for (const upstream of deployment.parts.upstreams) {
    for (const service of deployment.servicesOf(gateway, upstream)) {
      const own = responseTimeoutOf(service);
      if (!own || own.value < headers.value) continue;
      yield {
        places: [own, headers],
        expected: `a service that answers or gives up before ${sayMs(headers.value)}`,
        impact: 'The gateway answers 504 for a request that the service is about to answer.',
      };
    }
  }
}

function* idleBodies(gateway: Gateway, location: NginxBlock): Iterable<Fault> {
  const idle = gateway.setting('STREAM_IDLE_TIMEOUT_MS');
  const deadline = gateway.setting('REQUEST_TIMEOUT_MS');
  for (const name of ['proxy_read_timeout', 'proxy_send_timeout']) {
    const clock = time(location, name);
    // At or below the deadline it is named already.
    if (clock.value > idle.value || (name === 'proxy_read_timeout' && clock.value <= deadline.value))
      continue;
    yield {
      places: [clock, idle],
      expected: `${name} above ${sayMs(idle.value)}`,
      impact: 'nginx cuts a body that stands still before the gateway, which knows who is slow, can end it.',
    };
  }
  const [body, grace] = [time(location, 'client_body_timeout'), gateway.setting('REQUEST_BODY_GRACE_MS')];
  if (body.value > grace.value) return;
  yield {
    places: [body, grace],
    expected: `client_body_timeout above ${sayMs(grace.value)}`,
    impact: "nginx ends an upload that pauses before the gateway's minimum rate has judged it.",
  };
}

/** One location is enough: which requests go there is nginx's own business. */
function* eventStreams(deployment: Deployment, gateway: Gateway): Iterable<Fault> {
  const idle = gateway.setting('EVENT_STREAM_IDLE_TIMEOUT_MS');
  const longest = deployment.plainLocations
    .map((location) => time(location, 'proxy_read_timeout'))
    .toSorted((a, b) => b.value - a.value)[0];
  if (!longest || longest.value > idle.value) return;
  yield {
    places: [longest, idle],
    expected: `a location for event streams with a proxy_read_timeout above ${sayMs(idle.value)}`,
    impact: `nginx cuts an event stream that is silent for ${sayMs(longest.value)}, though the gateway keeps it.`,
  };
}

function time(location: NginxBlock, name: string): Sourced<number> {
  return nginxMs(location.word(name));
}
