import type { Provider } from '@nestjs/common';
import type { DestinationStream, Logger } from 'pino';
import { LINES } from './access-log.js';
import { PINO } from './gateway-logger.js';

/** Where lines go, and pino, which writes there. */
export interface Logs {
  readonly pino: Logger;
  readonly lines: DestinationStream;
}

/** For the injector. */
export function logProviders({ pino, lines }: Logs): Provider[] {
  return [
    { provide: PINO, useValue: pino },
    { provide: LINES, useValue: lines },
  ];
}
