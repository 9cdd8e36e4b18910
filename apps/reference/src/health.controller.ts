import { Controller, Get, Inject } from '@nestjs/common';
import { Unwrapped } from './envelope.interceptor.js';
import { SERVICE_CONFIG, type ServiceConfig } from './service.config.js';
import { Public } from './tokens/access-token.guard.js';

@Controller('health')
export class HealthController {
  constructor(@Inject(SERVICE_CONFIG) private readonly config: ServiceConfig) {}

  @Get()
  @Public()
  @Unwrapped()
  check() {
    return {
      status: 'healthy',
      service: `${this.config.service}-service`,
      timestamp: new Date().toISOString(),
    };
  }
}
