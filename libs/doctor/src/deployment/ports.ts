import { UnreadableError } from '../files/unreadable.error.js';
import { itemsAt, textAt, writtenIn, type YamlNode } from '../files/yaml.tree.js';
import type { Sourced } from '../files/sourced.js';

const MOST_PORTS = 65_536;

/** Consecutive ports, `first` and `last` included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** A port of a service that compose opens on this machine. */
export interface PublishedPort {
  /** The address of this machine; undefined for all of its addresses. */
  readonly host: string | undefined;
  /** In the container. */
  readonly ports: PortRange;
  readonly source: Sourced;
}

/** The `ports` of a service. @throws UnreadableError at a text that is no port */
export function publishedPorts(service: YamlNode): PublishedPort[] {
  return itemsAt(service, 'ports').flatMap((item) => {
    if (item.kind === 'list') return [];
    const host = item.kind === 'map' ? textAt(item, 'host_ip')?.value : publishedOn(item.text);
    const source =
      item.kind === 'map'
        ? (textAt(item, 'target') ?? { value: '', text: 'no target', at: item.at })
        : { value: item.text.split(':').at(-1)!, text: `ports: ${writtenIn(item)}`, at: item.at };
    return [{ host, ports: readPorts(source), source }];
  });
}

/** `8080`, `8080/tcp`, `8080-8090`. @throws UnreadableError at any other text */
export function readPorts(source: Sourced<string>): PortRange {
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/\w+)?$/.exec(source.value) ?? [];
  const range = { first: Number(first), last: Number(last) };
  if (range.first <= range.last && range.last < MOST_PORTS) return range;
  throw new UnreadableError(source.at, `${source.text} is no port`);
}

export function includesPort(ranges: readonly PortRange[], port: number): boolean {
  return ranges.some(({ first, last }) => first <= port && port <= last);
}

/** Ports in words: `8080 or 9000-9010`. */
export function sayPorts(ranges: readonly PortRange[]): string {
  const words = ranges.map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`));
  return [...new Set(words)].join(' or ');
}

/** The address in `127.0.0.1:8080:80`; undefined if the text has none. */
function publishedOn(text: string): string | undefined {
  const [, host] = /^(.+):[\d-]*:[\d-]+(?:\/\w+)?$/.exec(text) ?? [];
  return host;
}
