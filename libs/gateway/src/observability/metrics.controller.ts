import type { IncomingMessage } from 'node:http';
import { connectionOf } from '../http/client-connection.js';
import { Controller, Get, Header, Req } from '@nestjs/common';
import { Metrics } from './metrics.js';

@Controller('metrics')
export class MetricsController {
  constructor(private readonly metrics: Metrics) {}

  /** Serves all metrics in the text format of Prometheus. */
  @Get()
  @Header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8')
  @Header('Cache-Control', 'no-store')
  read(@Req() { socket }: IncomingMessage): Promise<string> {
    connectionOf(socket).isScraper = true;
    return this.metrics.text();
  }
}
