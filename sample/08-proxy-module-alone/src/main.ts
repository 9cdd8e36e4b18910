import { ConsoleLogger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { startCatalog } from './catalog.service.js';

await startCatalog();
const logger = new ConsoleLogger({ json: true });
// The proxy passes bodies on unread. `app.useBodyParser('json')` would read those of the mounted paths too.
const app = await NestFactory.create(AppModule, { bodyParser: false, logger });
app.enableShutdownHooks(['SIGTERM', 'SIGINT'], { useProcessExit: true });
await app.listen(process.env['PORT'] ?? 8080);
logger.log(`listening on ${await app.getUrl()}`);
