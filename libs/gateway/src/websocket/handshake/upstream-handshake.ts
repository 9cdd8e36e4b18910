import { subprotocolsOf } from '@app/auth/internal';
import {
  createUpstreamHeaders,
  formatUpgradeHead,
  pickerFor,
  withField,
  type Exchange,
  type InstancePicker,
  type ResponseHead,
} from '@app/proxy/internal';
import { acceptOf, VERSION } from './client-handshake.js';
import type { WebSocketRoute } from './websocket-route.js';

/** Headers that are not copied. */
const LEFT_OUT: ReadonlySet<string> = new Set(['authorization', 'content-length']);

/** A client's handshake in the form for the upstream. The gateway sends the same one again if the upstream restarts. */
export interface UpstreamHandshake {
  readonly target: string;
  /** The subprotocols that the client offers. */
  readonly offered: readonly string[];
  /** All other headers: name, value, name, value. */
  readonly fields: readonly string[];
  /** Picks the instances of its attempts. */
  readonly picker: InstancePicker;
  /** `Authorization`. */
  authorization: string | undefined;
  /** Whether `authorization` is the client's, which a renewed token replaces. A rule may set another, or none. */
  readonly isTokenPassed: boolean;
}

/** Makes the upstream's handshake from the client's. */
export function createUpstreamHandshake(exchange: Exchange, route: WebSocketRoute): UpstreamHandshake {
  const { request } = exchange;
  const { proxy, forwardOptions } = route.proxyRoute;
  const offered = request.headers['sec-websocket-protocol'];
  const forwarded = createUpstreamHeaders(exchange, forwardOptions);
  const authorization = firstOf(forwarded, 'authorization');
  return {
    picker: pickerFor(proxy, exchange, forwardOptions.affinity),
    target: route.proxyRoute.toUpstreamTarget(request.url!),
    offered: subprotocolsOf(offered),
    fields:
      offered === undefined ? copied(forwarded) : [...copied(forwarded), 'Sec-WebSocket-Protocol', offered],
    authorization,
    isTokenPassed: authorization === request.headers.authorization,
  };
}

/**
 * The headers that an HTTP request of the exchange would have, without those that the gateway writes for each handshake: its own
 * `Sec-WebSocket-*` and `Authorization`.
 */
function copied(forwarded: readonly string[]): string[] {
  const fields: string[] = [];
  for (let index = 0; index < forwarded.length; index += 2) {
    const lower = forwarded[index]!.toLowerCase();
    if (!lower.startsWith('sec-websocket-') && !LEFT_OUT.has(lower))
      fields.push(forwarded[index]!, forwarded[index + 1]!);
  }
  return fields;
}

/**
 * Formats a handshake (RFC 6455, section 4.1).
 * @param key a nonce of this handshake alone
 * @param own headers that replace the client's: name, value, name, value
 */
export function formatHandshake(
  { target, fields, authorization }: UpstreamHandshake,
  key: string,
  own: readonly string[],
): string {
  let all = [...fields, 'Sec-WebSocket-Version', VERSION, 'Sec-WebSocket-Key', key];
  if (authorization !== undefined) all.push('Authorization', authorization);
  for (let index = 0; index < own.length; index += 2) all = withField(all, own[index]!, own[index + 1]!);
  return formatUpgradeHead(target, all, 'websocket');
}

/**
 * Checks an upstream's 101 as a client must (RFC 6455, section 4.1). No extension was offered. Unlike a browser, lets an
 * upstream choose none of the offered subprotocols.
 * @param key that of the handshake
 * @returns the subprotocol that the upstream chose; empty if it chose none
 * @throws Error if the upstream must not send this 101
 */
export function subprotocolOf({ headers }: ResponseHead, key: string, offered: readonly string[]): string {
  if (fieldOf(headers, 'upgrade')?.toLowerCase() !== 'websocket') throw new Error('Upgrade is not websocket');
  const options = fieldOf(headers, 'connection')?.toLowerCase().split(',');
  if (!options?.some((option) => option.trim() === 'upgrade')) throw new Error('Connection is not Upgrade');
  if (fieldOf(headers, 'sec-websocket-accept') !== acceptOf(key)) {
    throw new Error('wrong Sec-WebSocket-Accept');
  }
  if (fieldOf(headers, 'sec-websocket-extensions') !== undefined) throw new Error('no extension was offered');
  const subprotocol = fieldOf(headers, 'sec-websocket-protocol') ?? '';
  if (subprotocol !== '' && !offered.includes(subprotocol)) {
    throw new Error(`subprotocol ${subprotocol} was not offered`);
  }
  return subprotocol;
}

/** The value of a field; those of a repeated field are joined (RFC 9110, section 5.3). */
function fieldOf(headers: readonly string[], lowerName: string): string | undefined {
  let value: string | undefined;
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index]!;
    if (name.length !== lowerName.length || name.toLowerCase() !== lowerName) continue;
    value = value === undefined ? headers[index + 1]! : `${value}, ${headers[index + 1]!}`;
  }
  return value;
}

/** The first value of a field: Node, too, reads the first `Authorization` alone. */
function firstOf(headers: readonly string[], lowerName: string): string | undefined {
  const at = headers.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === lowerName);
  return at === -1 ? undefined : headers[at + 1];
}
