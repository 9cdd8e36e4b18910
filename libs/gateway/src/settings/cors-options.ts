import { isToken, type CorsOptions } from '@app/proxy/internal';

/** Methods that no browser sends for a page (Fetch standard, section 2.2.1). */
const FORBIDDEN_METHODS: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK']);

/** In seconds: browsers remember a preflight for a day at most. */
export const LONGEST_MAX_AGE = 86_400;

/** Whether CORS can name a header. In responses with credentials `*` is no wildcard, so it would allow nothing. */
export function isHeaderName(text: string): boolean {
  return text !== '*' && isToken(text);
}

/** Whether CORS can name a method. Browsers compare methods with regard to case. */
export function isMethod(text: string): boolean {
  return /^[A-Z]+(?:-[A-Z]+)*$/.test(text) && !FORBIDDEN_METHODS.has(text);
}

/** The first wrong value among the options of an upstream; undefined if all are right. */
export function corsFault({
  allowedHeaders = [],
  exposedHeaders = [],
  allowedMethods = [],
  maxAgeSeconds = 0,
}: CorsOptions): string | undefined {
  const name = [...allowedHeaders, ...exposedHeaders].find((each) => !isHeaderName(each));
  if (name !== undefined) return `a header "${name}"`;
  const method = allowedMethods.find((each) => !isMethod(each));
  if (method !== undefined) return `a method "${method}"`;
  const isAge = Number.isInteger(maxAgeSeconds) && maxAgeSeconds >= 0 && maxAgeSeconds <= LONGEST_MAX_AGE;
  return isAge ? undefined : `maxAgeSeconds of ${maxAgeSeconds}`;
}
