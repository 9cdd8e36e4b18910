import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { pathOf } from '@app/proxy';

const scrapers = new WeakSet<Socket>();

/** Whether a request reads the metrics: in a drain it keeps its connection, so that the drain is seen to its end. */
export function isScrape({ url }: IncomingMessage): boolean {
  return pathOf(url!) === '/metrics';
}

/** The client of this connection reads the metrics. The drain closes the connection last. */
export function markScraper(socket: Socket): void {
  scrapers.add(socket);
}

export function isScraper(socket: Socket): boolean {
  return scrapers.has(socket);
}
