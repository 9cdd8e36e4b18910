import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { PINO } from '../../observability/gateway-logger.js';
import type { Closer, RelayRecord } from './relay-record.js';

/** Writes one line at the end of each relay; the line of its beginning is the access line with status 101. */
@Injectable()
export class RelayLog {
  constructor(@Inject(PINO) private readonly pino: Logger) {}

  write({ request, route, openedAt, counts }: RelayRecord, code: number, by: Closer): void {
    // Somebody will look for messages that are lost or unacknowledged.
    const level = counts.lost + counts.unacknowledged > 0 ? 'warn' : 'info';
    this.pino[level](
      {
        request_id: request.id,
        client_ip: request.clientAddress,
        path: request.path,
        upstream: route.upstream,
        code,
        closed_by: by,
        duration: Math.round(performance.now() - openedAt),
        messages_in: counts.messagesIn,
        messages_out: counts.messagesOut,
        bytes_in: counts.bytesIn,
        bytes_out: counts.bytesOut,
        resumptions: counts.resumptions,
        messages_in_doubt: counts.unacknowledged,
        messages_lost: counts.lost,
      },
      'websocket closed',
    );
  }
}
