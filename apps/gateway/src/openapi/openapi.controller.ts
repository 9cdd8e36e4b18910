import { UpstreamRegistry } from '@app/proxy';
import { Controller, Get, Header, type OnApplicationBootstrap } from '@nestjs/common';
import { openApiDocument } from './openapi-document.js';

/** Serves the OpenAPI document. It is created once, at boot: 10,000 routes would block the event loop in a request. */
@Controller('swagger')
export class OpenApiController implements OnApplicationBootstrap {
  private document = '';

  constructor(private readonly registry: UpstreamRegistry) {}

  onApplicationBootstrap(): void {
    this.document = JSON.stringify(openApiDocument(this.registry.routes));
  }

  @Get()
  @Header('Content-Type', 'application/json; charset=utf-8')
  read(): string {
    return this.document;
  }
}
