import { UnreadableError } from '../files/unreadable.error.js';
import type { Sourced } from './sourced.js';

const MOST_PORTS = 65_536;

/** Ports one after the other, both ends included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** `8080`, `8080/tcp`, `8080-8090`. @throws UnreadableError */
export function readPorts(said: Sourced<string>): PortRange {
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/\w+)?$/.exec(said.value) ?? [];
  const range = { first: Number(first), last: Number(last) };
  if (range.first <= range.last && range.last < MOST_PORTS) return range;
  throw new UnreadableError(said.at, `${said.text} is no port`);
}

export function includesPort(ranges: readonly PortRange[], port: number): boolean {
  return ranges.some(({ first, last }) => first <= port && port <= last);
}

/** For people: `8080 or 9000-9010`. */
export function sayPorts(ranges: readonly PortRange[]): string {
  const words = ranges.map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`));
  return [...new Set(words)].join(' or ');
}

/** The address in `127.0.0.1:8080:80`; undefined for all of the machine's. */
export function publishedOn(text: string): string | undefined {
  const [, host] = /^(.+):[\d-]*:[\d-]+(?:\/\w+)?$/.exec(text) ?? [];
  return host;
}
