import type { IncomingMessage } from 'node:http';
import { pathOf } from '@app/proxy/internal';

/**
 * Whether a request reads the metrics. During a drain it keeps its connection, so that metrics show the whole drain.
 */
export function isScrape({ url }: IncomingMessage): boolean {
  return pathOf(url!) === '/metrics';
}
