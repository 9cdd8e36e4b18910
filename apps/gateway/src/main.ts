import { ConfigurationError, helpText, loadSettings, misspeltVariables } from '@app/gateway';
import { RouteTableError, UpstreamError } from '@app/proxy';
import { Logger } from '@nestjs/common';
import { createGateway, listen, ListenError } from './create-gateway.js';

/** Exit code for a wrong configuration: `EX_CONFIG` of sysexits.h. */
const EXIT_CONFIGURATION = 78;

/** Errors of the configuration. Their message suffices to correct it: no stack trace is printed. */
const CONFIGURATION_ERRORS = [ConfigurationError, RouteTableError, UpstreamError];

try {
  if (process.argv.includes('--help')) process.stdout.write(helpText());
  else await start();
} catch (error) {
  const isConfiguration = CONFIGURATION_ERRORS.some((type) => error instanceof type);
  const { message, stack } = error as Error;
  process.stderr.write(`${isConfiguration || error instanceof ListenError ? message : stack}\n`);
  process.exit(isConfiguration ? EXIT_CONFIGURATION : 1);
}

async function start(): Promise<void> {
  const settings = loadSettings();
  const app = await createGateway(settings);
  for (const misspelt of misspeltVariables()) {
    new Logger('Gateway').warn({ message: 'unknown variable resembles a setting', ...misspelt });
  }
  app.enableShutdownHooks(['SIGTERM', 'SIGINT', 'SIGHUP'], { useProcessExit: true });
  await listen(app, settings);
}
