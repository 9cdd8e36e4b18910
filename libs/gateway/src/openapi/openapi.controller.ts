import { UpstreamRegistry } from '@app/proxy/internal';
import { Controller, Get, Header, Inject, type OnApplicationBootstrap } from '@nestjs/common';
import { SETTINGS, type Settings } from '../settings/complete-settings.js';
import { openApiDocument } from './openapi-document.js';

/** Serves the OpenAPI document. It is created once, at boot: 10,000 routes would block the event loop in a request. */
@Controller('swagger')
export class OpenApiController implements OnApplicationBootstrap {
  private document = '';

  constructor(
    private readonly registry: UpstreamRegistry,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  onApplicationBootstrap(): void {
    this.document = JSON.stringify(openApiDocument(this.settings.title, this.registry.routes));
  }

  @Get()
  @Header('Content-Type', 'application/json; charset=utf-8')
  read(): string {
    return this.document;
  }
}
