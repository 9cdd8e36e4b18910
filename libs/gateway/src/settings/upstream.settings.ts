import { isIP } from 'node:net';
import { isInstanceAddress, isUpstreamName, PROXY_DEFAULTS, settingNameOf } from '@app/proxy/internal';
import { z } from 'zod';
import type { Family } from './setting.js';
import { count, list, listOf, milliseconds } from './setting-types.js';
import { settingNameFor, type TlsSetting } from './upstream-variables.js';

const DNS_NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)*$/i;

/** Whether a text is an IPv4 or IPv6 address, with a port or without. An IPv6 address with a port is in brackets. */
function isServer(given: string): boolean {
  const [, ipv6, ipv4 = given, port = '53'] = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(given) ?? [];
  const isAddress = ipv6 === undefined ? isIP(ipv4) !== 0 : isIP(ipv6) === 6;
  return isAddress && Number(port) > 0 && Number(port) < 65_536;
}

const UPSTREAM_NAMES = 'the name of an upstream: words of lower case letters and digits, joined by dashes';

const keyOfUpstream = (name: string): string | undefined =>
  isUpstreamName(name) ? settingNameOf(name) : undefined;

export const ADDRESSES: Family<readonly string[]> = {
  kind: 'family',
  variable: '<NAME>_SERVICE_URL',
  pattern: /^([A-Z][A-Z0-9_]*)_SERVICE_URL$/,
  keyOf: settingNameFor,
  keyOfGiven: keyOfUpstream,
  names: UPSTREAM_NAMES,
  defaultText: 'the instances in the code of the upstream',
  ...listOf(isInstanceAddress, 1),
  takes: 'comma list of scheme://host:port, or dns://host:port',
  meaning:
    'The instances of an upstream: `BILLING_SERVICE_URL` is for `billing` or `billing-service`. An optional upstream without instances is left out.',
};

function tls(setting: TlsSetting, takes: string, meaning: string, schema = z.string()): Family<string> {
  return {
    kind: 'family',
    variable: `<NAME>_SERVICE_TLS_${setting}`,
    pattern: new RegExp(`^([A-Z][A-Z0-9_]*)_SERVICE_TLS_${setting}$`),
    keyOf: settingNameFor,
    keyOfGiven: keyOfUpstream,
    names: UPSTREAM_NAMES,
    schema,
    parse: (given) => given,
    format: String,
    takes,
    meaning,
  };
}

/** TLS towards the `https://` instances of one upstream. */
export const TLS = {
  caFiles: tls(
    'CA_FILE',
    'a file in PEM',
    "The certificates that the gateway trusts for this upstream, in place of Node's own. Without the right ones all requests to it get 502.",
  ),
  certFiles: tls(
    'CERT_FILE',
    'a file in PEM',
    "The gateway's own certificate for this upstream, with its chain. The key file must be set too.",
  ),
  keyFiles: tls(
    'KEY_FILE',
    'a file in PEM',
    "The private key of the gateway's certificate for this upstream, without a passphrase. The certificate file must be set too.",
  ),
  serverNames: tls(
    'SERVER_NAME',
    'a DNS name, as the certificate of the service has it',
    'The name that the certificate of the upstream must have. If it is not set, the certificate must have the host of the address.',
    z.string().refine((given) => DNS_NAME.test(given) && isIP(given) === 0),
  ),
};

export const CONNECTIONS = {
  connectTimeoutMs: milliseconds({
    variable: 'CONNECT_TIMEOUT_MS',
    default: PROXY_DEFAULTS.connections.connectTimeoutMs,
    below: 'RESPONSE_HEADERS_TIMEOUT_MS',
    meaning:
      'The time that a TCP or TLS connection to an instance may take. When it passes, the attempt fails and may be retried.',
  }),
  maxConnections: count({
    variable: 'UPSTREAM_MAX_CONNECTIONS',
    former: 'UPSTREAM_CONNECTIONS',
    default: PROXY_DEFAULTS.connections.maxConnections,
    meaning:
      'The most connections to one instance; retries may open up to the same number again. Further requests wait for a connection.',
  }),
  maxPending: count({
    variable: 'UPSTREAM_MAX_PENDING',
    former: 'UPSTREAM_WAITING',
    default: PROXY_DEFAULTS.connections.maxPending,
    meaning: 'The most requests that wait for a connection to one instance. Further requests get 503.',
  }),
  keepAliveMs: milliseconds({
    variable: 'UPSTREAM_KEEP_ALIVE_TIMEOUT_MS',
    former: 'UPSTREAM_KEEP_ALIVE_MS',
    default: PROXY_DEFAULTS.connections.keepAliveMs,
    meaning:
      'The time that an unused connection to an instance stays open. It must be shorter than the keep-alive timeout of the service, or requests meet a closed connection.',
  }),
};

export const HEALTH = {
  failuresToEject: count({
    variable: 'OUTLIER_CONSECUTIVE_FAILURES',
    former: 'EJECT_AFTER_FAILURES',
    default: PROXY_DEFAULTS.health.failuresToEject,
    meaning:
      'The failed requests in a row that eject an instance. At least half of the instances stay, and the last one always does.',
  }),
  ejectionMs: milliseconds({
    variable: 'OUTLIER_EJECTION_MS',
    former: 'EJECTION_MS',
    default: PROXY_DEFAULTS.health.ejectionMs,
    meaning:
      'The time of the first ejection of an instance. Each further one takes twice as long until a request succeeds.',
  }),
  longestEjectionMs: milliseconds({
    default: PROXY_DEFAULTS.health.longestEjectionMs,
    meaning: 'The longest time of an ejection. If `OUTLIER_EJECTION_MS` is longer, the longest time is that.',
  }),
  checksToFall: count({
    default: PROXY_DEFAULTS.health.checksToFall,
    meaning:
      'The failed health checks in a row that take an instance out. With 1 a single lost check is enough.',
  }),
  checksToRise: count({
    default: PROXY_DEFAULTS.health.checksToRise,
    meaning: 'The passed health checks in a row that bring an instance back. They do not end an ejection.',
  }),
  slowStartMs: milliseconds({
    variable: 'SLOW_START_MS',
    default: PROXY_DEFAULTS.health.slowStartMs,
    least: 0,
    meaning:
      'The time over which the share of an instance that came back grows to its full size. With 0 the instance gets its full share at once.',
  }),
};

export const CHECKS = {
  intervalMs: milliseconds({
    variable: 'HEALTH_CHECK_INTERVAL_MS',
    default: PROXY_DEFAULTS.checks.intervalMs,
    least: 0,
    meaning:
      'The time between two health checks of an instance, plus or minus up to 20 % at random. With 0 there are no health checks, and only failed requests take an instance out.',
  }),
  timeoutMs: milliseconds({
    variable: 'HEALTH_CHECK_TIMEOUT_MS',
    default: PROXY_DEFAULTS.checks.timeoutMs,
    meaning: 'The time that an instance has for a health check. When it passes, the check has failed.',
  }),
};

export const DNS = {
  servers: list({
    variable: 'DNS_SERVERS',
    default: PROXY_DEFAULTS.dns.servers,
    defaultText: "the machine's own",
    isPart: isServer,
    takes: 'comma list of addresses, with :port or without',
    meaning:
      "The DNS servers for `dns://` addresses. If set, the gateway does not read the machine's hosts file.",
  }),
  refreshMs: milliseconds({
    variable: 'DNS_REFRESH_INTERVAL_MS',
    former: 'DNS_REFRESH_MS',
    default: PROXY_DEFAULTS.dns.refreshMs,
    least: 500,
    meaning:
      'The longest time between two look-ups of a `dns://` address. If its records have a shorter time to live, the gateway looks them up when that has passed.',
  }),
};
