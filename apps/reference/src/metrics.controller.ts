import { Controller, Get, Header } from '@nestjs/common';
import { Unwrapped } from './envelope.interceptor.js';
import { MetricsService } from './metrics.service.js';
import { Public } from './tokens/access-token.guard.js';

@Controller('metrics')
export class MetricsController {
  constructor(private readonly metrics: MetricsService) {}

  /** In the text format of Prometheus. */
  @Get()
  @Public()
  @Unwrapped()
  @Header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8')
  read(): Promise<string> {
    return this.metrics.registry.metrics();
  }
}
