import { STATUS_CODES, validateHeaderName, validateHeaderValue, type ServerResponse } from 'node:http';
import { GateFailedException } from '../http/team-code-exceptions.js';
import { keepAliveTimeoutOf, setHead } from '../http/node-internals.js';
import { CONNECTION_FIELDS } from '../transport/field-names.js';
import { isBodiless } from '../transport/response-head.js';

/** A reason phrase that Node can write. A service may send any bytes. */
const PHRASE = /^[\t\x20-\x7e]+$/;

/** The reason phrase for the client: that of the service, unless it is empty or has other bytes than ASCII. */
export function phraseFor(status: number, phrase: string): string {
  const usual = STATUS_CODES[status] ?? 'Unknown';
  return phrase !== usual && PHRASE.test(phrase) ? phrase : usual;
}

/** Names that were checked before. An application has few. */
const checkedNames = new Set<string>();

const MOST_CHECKED_NAMES = 1_000;

/**
 * Checks fields that gates have added. Those of a service were checked when they were parsed.
 * @throws GateFailedException if a field cannot be sent. It is no longer in the list then: the error response has the others.
 */
export function checkFields(fields: string[]): void {
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index]!;
    try {
      if (!checkedNames.has(name)) checkName(name);
      validateHeaderValue(name, fields[index + 1]!);
    } catch (error) {
      fields.splice(index, 2);
      throw new GateFailedException(error);
    }
  }
}

/** @throws Error */
function checkName(name: string): void {
  validateHeaderName(name);
  if (CONNECTION_FIELDS.has(name.toLowerCase())) throw new Error(`only the gateway writes ${name}`);
  if (checkedNames.size < MOST_CHECKED_NAMES) checkedNames.add(name);
}

/**
 * Sets the head of a response for a client (RFC 9112, sections 4 and 6). Adds what the client's connection needs: `Date` if
 * it is missing, `Connection`, `Keep-Alive`, and the transfer coding of a body without a length.
 * @param fields name, value, name, value, of valid bytes, without hop-by-hop fields
 */
export function setClientHead(
  response: ServerResponse,
  status: number,
  phrase: string,
  fields: readonly string[],
): void {
  let text = `HTTP/1.1 ${status} ${phrase}\r\n`;
  let hasDate = false;
  let hasLength = false;
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index]!;
    if (name.length === 4) hasDate ||= name.toLowerCase() === 'date';
    else if (name.length === 14) hasLength ||= name.toLowerCase() === 'content-length';
    text += `${name}: ${fields[index + 1]!}\r\n`;
  }
  if (!hasDate) text += `Date: ${new Date().toUTCString()}\r\n`;
  const { shouldKeepAlive, useChunkedEncodingByDefault, req } = response;
  const hasBody = req.method !== 'HEAD' && !isBodiless(status);
  const isFramed = hasLength || !hasBody;
  // A client of HTTP/1.0 gets no chunks, though `TE: chunked` asks for them (RFC 9112, section 6.1).
  const isChunked = !isFramed && useChunkedEncodingByDefault && req.httpVersionMinor === 1;
  // Without a length or chunks, only the end of the connection ends the body.
  const closesConnection = !shouldKeepAlive || !(isFramed || isChunked);
  text += closesConnection ? 'Connection: close\r\n' : keepAliveFields(keepAliveTimeoutOf(response));
  text += isChunked ? 'Transfer-Encoding: chunked\r\n\r\n' : '\r\n';
  setHead(response, { status, phrase, text, hasBody, isChunked, closesConnection });
}

function keepAliveFields(timeoutMs: number): string {
  if (timeoutMs === 0) return 'Connection: keep-alive\r\n';
  return `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(timeoutMs / 1_000)}\r\n`;
}
