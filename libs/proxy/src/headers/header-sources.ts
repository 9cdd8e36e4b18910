import type { Exchange } from '../http/exchange.js';
import { encodeHeaderValue } from '../http/header-changes.js';
import type { HeaderSource, HeaderValue } from '../routing/header-rules.js';

/** Reads a value of an exchange in the form that a header has; undefined if it is absent. */
export type HeaderReader = (exchange: Exchange) => string | undefined;

/** Readers of plain texts. */
const READERS: ReadonlyMap<string, HeaderReader> = new Map<string, HeaderReader>([
  ['principal.id', ({ principal }) => principal?.userId],
  ['principal.email', ({ principal }) => principal?.email],
  ['principal.username', ({ principal }) => principal?.username],
  ['principal.role', ({ principal }) => principal?.role],
  ['principal.tokenId', ({ principal }) => principal?.tokenId],
  ['principal.sessionId', ({ principal }) => principal?.sessionId],
  ['client.address', ({ clientAddress }) => clientAddress],
  ['request.id', ({ id }) => id],
]);

const CLAIM = 'claims.';
const PARAMETER = 'parameters.';

/** Whether a value says who the client is. */
export function isFromPrincipal(value: HeaderValue): boolean {
  return typeof value !== 'string' && /^(?:principal|claims)\./.test(value.from);
}

/**
 * @param parameters those of the route's path; undefined for an upstream
 * @returns the reader of a source, or why there is none, in words that follow the name of the header
 */
export function readerOf(
  source: HeaderSource,
  parameters: ReadonlyMap<string, unknown> | undefined,
): HeaderReader | string {
  const reader = READERS.get(source);
  if (reader) return (exchange) => encodeHeaderValue(reader(exchange));
  if (source.startsWith(CLAIM) && source.length > CLAIM.length) {
    const name = source.slice(CLAIM.length);
    return ({ principal }) => textOf(principal?.claims, name);
  }
  if (!source.startsWith(PARAMETER)) return `has a value from ${JSON.stringify(source)}, which is no source`;
  if (!parameters) return `has a value from ${source}, and only a route has parameters`;
  const name = source.slice(PARAMETER.length);
  if (!parameters.has(name)) return `has a value from ${source}, which the path does not have`;
  return (exchange) => encodeHeaderValue(exchange.parameter(name));
}

/** A claim as the value of a header; undefined if it is absent, or an object. */
function textOf(claims: Readonly<Record<string, unknown>> | undefined, name: string): string | undefined {
  if (!claims || !Object.hasOwn(claims, name)) return undefined;
  const claim = claims[name];
  if (!Array.isArray(claim)) return isPlain(claim) ? encodeHeaderValue(String(claim)) : undefined;
  if (!claim.every(isPlain)) return undefined;
  // The comma of an element would make two of it.
  const parts = claim.map((part) => encodeHeaderValue(String(part))?.replaceAll(',', '%2C') ?? '');
  return parts.join(',') || undefined;
}

function isPlain(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
