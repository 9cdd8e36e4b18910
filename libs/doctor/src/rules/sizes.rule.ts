import { methodsOf } from '@app/proxy/internal';
import type { Carried, Deployment } from '../deployment/deployment.js';
import type { Gateway } from '../deployment/gateway.js';
import type { NginxBlock } from '../deployment/nginx-block.js';
import type { Sourced } from '../files/sourced.js';
import { count, sayBytes, sizeBytes } from '../deployment/units.js';
import type { Fault, Rule } from './rule.js';

const WITH_BODY = new Set(['POST', 'PUT', 'PATCH']);

/** Room for the headers that nginx adds to a request, and the gateway to a response. */
const ADDED_BYTES = 4 * 1024;
const RESPONSE_ADDED_BYTES = 1024;

/** The longest header line, a token or a cookie: nginx's default. */
const LONGEST_LINE_BYTES = 8 * 1024;

/** nginx and the gateway accept bodies and headers of the same sizes, and nginx does not buffer uploads. */
export const sizesRule: Rule = {
  name: 'sizes',

  *check(deployment: Deployment): Iterable<Fault> {
    const byLocation = Map.groupBy(
      deployment.carried.filter(({ route }) => methodsOf(route).some((method) => WITH_BODY.has(method))),
      ({ location }) => location,
    );
    for (const gateway of deployment.gateways) {
      for (const [location, rows] of byLocation) {
        yield* bodies(gateway, location, rows);
        yield* buffering(gateway, location);
      }
      for (const location of deployment.gatewayLocations) yield* headers(deployment, gateway, location);
    }
  },
};

function* bodies(gateway: Gateway, location: NginxBlock, rows: readonly Carried[]): Iterable<Fault> {
  const largest = rows
    .map((row) => limitOf(gateway, row))
    .reduce((most, each) => (each.value > most.value ? each : most));
  const setting = sizeBytes(location.word('client_max_body_size'));
  const bytes = setting.value;
  if (bytes === largest.value) return;
  const isLess = bytes !== 0 && bytes < largest.value;
  yield {
    places: [setting, largest],
    expected: `client_max_body_size of ${sayBytes(largest.value)}, the largest limit of the routes here`,
    impact: isLess
      ? 'nginx refuses an upload that the route accepts.'
      : 'nginx passes a body that every route here refuses.',
  };
}

function limitOf(gateway: Gateway, { route, source }: Carried): Sourced<number> {
  if (route.bodyLimitBytes === undefined) return gateway.setting('MAX_REQUEST_BODY_BYTES');
  return {
    ...source,
    value: route.bodyLimitBytes,
    text: `${source.text}: ${sayBytes(route.bodyLimitBytes)}`,
  };
}

function* buffering(gateway: Gateway, location: NginxBlock): Iterable<Fault> {
  const setting = location.setting('proxy_request_buffering');
  if (setting.value[0] === 'off') return;
  yield {
    places: [setting, gateway.setting('MIN_REQUEST_BODY_RATE_BYTES')],
    expected: 'proxy_request_buffering off',
    impact: 'nginx writes the whole upload to disk first, so the gateway cannot detect a slow sender.',
  };
}

function* headers(deployment: Deployment, gateway: Gateway, location: NginxBlock): Iterable<Fault> {
  const limit = gateway.setting('MAX_HEADER_BYTES');
  const buffers = location.setting('large_client_header_buffers');
  const [number = '', size = ''] = buffers.value;
  const one = sizeBytes({ ...buffers, value: size }).value;
  const inAll = count({ ...buffers, value: number }).value * one;
  const line = Math.min(limit.value, LONGEST_LINE_BYTES);
  if (line > one) {
    yield {
      places: [buffers, limit],
      expected: `large_client_header_buffers of ${sayBytes(line)} each: a line must fit into one`,
      impact: 'nginx refuses a single long header, a token or a cookie, that the gateway accepts.',
    };
  } else if (limit.value > inAll + ADDED_BYTES) {
    yield {
      places: [buffers, limit],
      expected: `large_client_header_buffers of ${sayBytes(limit.value)} in all`,
      impact: 'nginx refuses request headers that the gateway accepts.',
    };
  }
  const buffer = sizeBytes(location.word('proxy_buffer_size'));
  // The response to a handshake is the gateway's own, and small.
  if (deployment.webSocketOnlyLocations.has(location)) return;
  if (buffer.value >= limit.value + RESPONSE_ADDED_BYTES) return;
  yield {
    places: [buffer, limit],
    expected: `proxy_buffer_size of ${sayBytes(limit.value + RESPONSE_ADDED_BYTES)} or more`,
    impact: 'nginx responds with 502 in place of a response whose headers the gateway accepts.',
  };
}
