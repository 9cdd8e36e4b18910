import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { IncomingMessage } from 'node:http';
import { GracefulStopService } from './graceful-stop.service.js';
import { JsonLogger } from './json.logger.js';
import { MetricsService } from './metrics.service.js';
import type { ServiceConfig } from './service.config.js';
import { ServiceModule } from './service.module.js';
import { OBJECTS_PATH } from './storage/signed-url.service.js';
import { endUnreadBody } from './unread-body.js';

/** Builds a service that does not listen yet. */
export async function createService(config: ServiceConfig): Promise<INestApplication> {
  const app = await NestFactory.create<NestExpressApplication>(ServiceModule.of(config), {
    bodyParser: false,
    abortOnError: false,
    logger: new JsonLogger(`${config.service}-service`),
  });
  app.disable('x-powered-by').disable('etag');
  app.use(app.get(MetricsService).track);
  app.use(app.get(GracefulStopService).track);
  app.use(endUnreadBody);
  app.useBodyParser('json', { limit: '1mb', type: isParsed });

  const server = app.getHttpServer();
  // Longer than the gateway keeps an idle connection, so that the gateway is the one to close it.
  server.keepAliveTimeout = 65_000;
  server.headersTimeout = 70_000;
  // Node's default of 300 s would cut off a long upload.
  server.requestTimeout = 0;
  return app;
}

/** Uploads are not parsed, also if their bytes are JSON. */
function isParsed(request: IncomingMessage): boolean {
  const isJson = request.headers['content-type']?.startsWith('application/json') ?? false;
  return isJson && !request.url?.startsWith(OBJECTS_PATH);
}
