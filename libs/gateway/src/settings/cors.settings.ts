import { isHeaderName, isMethod, LONGEST_MAX_AGE } from './cors-options.js';
import { list, seconds } from './setting-types.js';

/** The origin of an application that is not a web site: `capacitor://localhost`, `app://.`, `chrome-extension://ID`. */
const APPLICATION_ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[A-Za-z0-9._~-]+(?::\d{1,5})?$/;

/** The origins of all hosts with one label before a domain. One label of a domain is a registry's, except `localhost`. */
const ORIGIN_PATTERN = /^https?:\/\/\*\.(?:localhost|[a-z0-9_-]+(?:\.[a-z0-9_-]+)+)(?::\d+)?$/;

/** Whether a text is an origin, or a pattern of origins. */
function isAllowedOrigin(given: string): boolean {
  if (!given.includes('*')) return isOrigin(given);
  return ORIGIN_PATTERN.test(given) && isOrigin(given.replace('*', 'a'));
}

/** Whether a text is an origin as browsers write it. `URL.origin` is `null` for the schemes of applications. */
function isOrigin(given: string): boolean {
  if (!URL.canParse(given)) return false;
  const { origin, protocol } = new URL(given);
  return origin === given || (origin === 'null' && protocol !== 'file:' && APPLICATION_ORIGIN.test(given));
}

/** Which pages may call the gateway. */
export const CORS = {
  allowedOrigins: list({
    variable: 'CORS_ALLOWED_ORIGINS',
    default: [],
    isPart: isAllowedOrigin,
    takes: 'comma list of scheme://host[:port]; a * may only be the whole first label: https://*.example.com',
    meaning:
      "The origins whose pages may call the gateway, beside the gateway's own. `https://*.example.com` allows all hosts with exactly one label in place of `*`.",
  }),
  additionalOrigins: list({
    default: [],
    isPart: isAllowedOrigin,
    takes: 'origins, as CORS_ALLOWED_ORIGINS',
    meaning:
      'Origins that the code allows beside `CORS_ALLOWED_ORIGINS`. Leave those of development servers out in production: any program on the machine of a user may have them.',
  }),
  allowedHeaders: list({
    variable: 'CORS_ALLOWED_HEADERS',
    default: [
      'Content-Type',
      'Authorization',
      'Idempotency-Key',
      'X-Request-ID',
      'traceparent',
      'tracestate',
    ],
    isPart: isHeaderName,
    least: 1,
    takes: 'comma list of header names, without *',
    meaning:
      "The headers that pages may send. An upstream's `cors` option replaces this setting and the next three.",
  }),
  exposedHeaders: list({
    variable: 'CORS_EXPOSED_HEADERS',
    default: [
      'X-Request-ID',
      'X-RateLimit-Limit',
      'X-RateLimit-Remaining',
      'X-RateLimit-Reset',
      'Retry-After',
      'X-Gateway-Error',
    ],
    isPart: isHeaderName,
    least: 1,
    takes: 'comma list of header names, without *',
    meaning: 'The headers that pages may read. Browsers hide all others from pages.',
  }),
  allowedMethods: list({
    variable: 'CORS_ALLOWED_METHODS',
    default: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    isPart: isMethod,
    least: 1,
    takes: 'comma list of methods in capitals, without CONNECT and TRACE',
    meaning: 'The methods that pages may use. A browser does not send requests with other methods.',
  }),
  maxAgeSeconds: seconds({
    variable: 'CORS_MAX_AGE_SECONDS',
    default: LONGEST_MAX_AGE,
    most: LONGEST_MAX_AGE,
    meaning:
      'The time for which a browser remembers the response to a preflight. A change of the settings above reaches a page after this time at the latest.',
  }),
};
