import type { Exchange } from '../http/exchange.js';
import { isCorsField } from './response-headers.js';

/**
 * The headers that a service's response gets beside its own: those that the gateway adds. On routes with `cors: 'upstream'`
 * the service's CORS headers stand in place of the gateway's.
 *
 * @param raw headers of the response: name, value, name, value
 */
export function addedHeadersFor(
  { route, responseHeaders }: Exchange,
  raw: readonly string[],
): readonly string[] {
  if (route?.options.cors !== 'upstream') return responseHeaders;
  const added: string[] = [];
  for (let index = 0; index < responseHeaders.length; index += 2) {
    const [name, value] = [responseHeaders[index]!, responseHeaders[index + 1]!];
    if (!isCorsField(name) && !(name === 'Vary' && value === 'Origin')) added.push(name, value);
  }
  for (let index = 0; index < raw.length; index += 2) {
    if (isCorsField(raw[index]!)) added.push(raw[index]!, raw[index + 1]!);
  }
  return added;
}
