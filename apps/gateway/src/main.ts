import { ConfigurationError, loadSettings, misspeltVariables } from '@app/gateway';
import { RouteTableError, UpstreamError } from '@app/proxy';
import { Logger } from '@nestjs/common';
import { createGateway, listen } from './create-gateway.js';

/** `EX_CONFIG` of sysexits.h. */
const EXIT_CONFIGURATION = 78;

try {
  const config = loadSettings();
  const app = await createGateway(config);
  for (const misspelt of misspeltVariables()) {
    new Logger('Gateway').warn({ message: 'unknown variable resembles a setting', ...misspelt });
  }
  app.enableShutdownHooks(['SIGTERM', 'SIGINT', 'SIGHUP'], { useProcessExit: true });
  await listen(app, config);
} catch (error) {
  const isConfiguration = [ConfigurationError, RouteTableError, UpstreamError].some(
    (type) => error instanceof type,
  );
  process.stderr.write(`${isConfiguration ? (error as Error).message : String((error as Error).stack)}\n`);
  process.exit(isConfiguration ? EXIT_CONFIGURATION : 1);
}
