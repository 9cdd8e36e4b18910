import type { IncomingMessage } from 'node:http';
import { Controller, Get, Header, Req } from '@nestjs/common';
import { DrainService } from '../lifecycle/drain.service.js';
import { Metrics } from './metrics.js';

@Controller('metrics')
export class MetricsController {
  constructor(
    private readonly metrics: Metrics,
    private readonly drain: DrainService,
  ) {}

  /** In the text format of Prometheus. */
  @Get()
  @Header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8')
  @Header('Cache-Control', 'no-store')
  read(@Req() { socket }: IncomingMessage): Promise<string> {
    this.drain.spare(socket);
    return this.metrics.text();
  }
}
