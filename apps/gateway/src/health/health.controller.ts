import type { ServerResponse } from 'node:http';
import { SETTINGS, GATEWAY_ERROR, type Settings } from '@app/gateway';
import { Controller, Get, Header, Inject, Res } from '@nestjs/common';
import type { HealthCheckResult } from '@nestjs/terminus';
import { ReadinessService } from './readiness.service.js';

interface HealthResponse {
  readonly status: 'healthy';
  readonly service: string;
  readonly timestamp: string;
}

@Controller('health')
export class HealthController {
  constructor(
    @Inject(SETTINGS) private readonly config: Settings,
    private readonly readiness: ReadinessService,
  ) {}

  /** For the probes of the existing system: the process answers, whatever the services do. */
  @Get()
  @Header('Cache-Control', 'no-store')
  read(): HealthResponse {
    return { status: 'healthy', service: this.config.serviceName, timestamp: new Date().toISOString() };
  }

  /** Whether the process should be left alone: until it ends, also while it drains. */
  @Get('live')
  @Header('Cache-Control', 'no-store')
  live(): { readonly status: 'ok' } {
    return { status: 'ok' };
  }

  /** Whether requests should be sent here: 200 `ok` or `degraded`, 503 while draining. */
  @Get('ready')
  @Header('Cache-Control', 'no-store')
  async ready(@Res({ passthrough: true }) response: ServerResponse): Promise<HealthCheckResult> {
    const result = await this.readiness.check();
    if (result.status !== 'ok' && result.status !== 'degraded') {
      response.statusCode = 503;
      response.setHeader(GATEWAY_ERROR, 'NOT_READY');
    }
    return result;
  }
}
