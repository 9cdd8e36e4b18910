import { Logger } from '@nestjs/common';
import type { AddressInfo } from 'node:net';
import { createService } from './create-service.js';
import { readEnvironment, ServiceConfigError } from './service.config.js';

try {
  const { host, port, ...config } = readEnvironment(process.env);
  const app = await createService(config);
  app.enableShutdownHooks(['SIGTERM', 'SIGINT', 'SIGHUP'], { useProcessExit: true });
  await app.listen(port, host);
  const address = app.getHttpServer().address() as AddressInfo;
  new Logger().log('listening', { port: address.port });
} catch (error) {
  const isConfigError = error instanceof ServiceConfigError;
  process.stderr.write(`${isConfigError ? error.message : String(error)}\n`);
  process.exit(isConfigError ? 78 : 1);
}
