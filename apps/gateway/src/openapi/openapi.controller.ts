import { UpstreamRegistry } from '@app/proxy';
import { Controller, Get } from '@nestjs/common';
import { openApiDocument } from './openapi-document.js';

@Controller('swagger')
export class OpenApiController {
  constructor(private readonly registry: UpstreamRegistry) {}

  @Get()
  read(): Record<string, unknown> {
    return openApiDocument(this.registry.rows);
  }
}
