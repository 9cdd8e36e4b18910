import type { IncomingMessage } from 'node:http';
import { pathOf } from '@app/proxy';

/** Whether a request reads the metrics: in a drain it keeps its connection, so that the drain is seen to its end. */
export function isScrape({ url }: IncomingMessage): boolean {
  return pathOf(url!) === '/metrics';
}
