import { isIP } from 'node:net';
import { isToken } from '../transport/field-names.js';

/** What `Forwarded` says of a request as one proxy received it. */
export interface ForwardedElement {
  /** An address, with a port or without. */
  readonly address: string;
  /** `Host`; empty if there was none. */
  readonly host: string;
  readonly proto: string;
}

/** The parts of `Forwarded` that a trusted proxy sent; empty if it sent none. */
export interface ForwardedBefore {
  /** `Forwarded`, several joined with commas. */
  readonly forwarded: string;
  /** The addresses of `X-Forwarded-For`, for a proxy that sends no `Forwarded`. */
  readonly addresses: string;
  /** What the client asked for: `X-Forwarded-Host` and `-Proto`, or else the gateway's own. */
  readonly host: string;
  readonly proto: string;
}

/** Whether each quoted string ends, so that what is appended stands outside. */
const CLOSED = /^(?:[^"]|"(?:[^"\\]|\\[^])*")*$/;

/** An IPv4 address, or an IPv6 address in brackets, with a port or without. */
const WITH_PORT = /^(?:(\d+\.\d+\.\d+\.\d+)|\[([0-9A-Fa-f:.]+)\])(:\d{1,5})?$/;

/**
 * The value of `Forwarded` (RFC 7239, section 4): what a trusted proxy sent, and the gateway's own element behind it. If the
 * proxy sent `X-Forwarded-For` alone, its addresses become elements (section 7.4), the first with the host and the protocol
 * that the client asked for. A value in which a quoted string does not end counts as absent.
 */
export function forwardedValue(before: ForwardedBefore, own: ForwardedElement): string {
  const last = format(own);
  if (before.forwarded !== '' && CLOSED.test(before.forwarded)) return `${before.forwarded}, ${last}`;
  const elements: string[] = [];
  for (const part of before.addresses.split(',')) {
    const address = part.trim();
    if (address === '') continue;
    const { host, proto } = before;
    elements.push(elements.length === 0 ? format({ address, host, proto }) : `for=${node(address)}`);
  }
  return [...elements, last].join(', ');
}

function format({ address, host, proto }: ForwardedElement): string {
  const text = `for=${node(address)}`;
  return `${text}${host === '' ? '' : `;host=${quoted(host)}`};proto=${quoted(proto)}`;
}

/** An address as a node name (section 6): IPv6 in brackets and quoted, as everything with a colon. */
function node(address: string): string {
  const family = isIP(address);
  if (family === 4) return address;
  if (family === 6) return `"[${address}]"`;
  const found = WITH_PORT.exec(address);
  return found && isIP(found[1] ?? found[2]!) !== 0 ? quoted(address) : 'unknown';
}

function quoted(text: string): string {
  return isToken(text) ? text : `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}
