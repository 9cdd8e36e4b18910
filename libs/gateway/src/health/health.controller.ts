import type { ServerResponse } from 'node:http';
import { GATEWAY_ERROR } from '../http/error-response.js';
import { SETTINGS, type Settings } from '../settings/complete-settings.js';
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

  /** For the probes of the deployed system: 200 while the process runs, even if no service does. */
  @Get()
  @Header('Cache-Control', 'no-store')
  read(): HealthResponse {
    return { status: 'healthy', service: this.config.serviceName, timestamp: new Date().toISOString() };
  }

  /** Liveness: 200 until the process ends, also while it drains. */
  @Get('live')
  @Header('Cache-Control', 'no-store')
  live(): { readonly status: 'ok' } {
    return { status: 'ok' };
  }

  /** Readiness: 200 with `ok` or `degraded`, 503 while the gateway drains. */
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
