import type { Provider } from '@nestjs/common';
import type { DestinationStream, Logger } from 'pino';
import { LINES } from './access-log.js';
import { PINO } from './gateway-logger.js';

/** Pino, and the output that its lines go to. */
export interface Logs {
  readonly pino: Logger;
  readonly lines: DestinationStream;
}

/** Provides both under `PINO` and `LINES`. */
export function logProviders({ pino, lines }: Logs): Provider[] {
  return [
    { provide: PINO, useValue: pino },
    { provide: LINES, useValue: lines },
  ];
}
