import { ConfigurationError } from '@app/proxy';
import { Logger } from '@nestjs/common';
import { createGateway, type CreateGatewayOptions, type RootModule } from './create-gateway.js';
import { listen, ListenError } from './listen.js';
import { helpText } from './settings/help-text.js';
import { misspeltVariables } from './settings/misspelt-variables.js';

/** Exit code for a wrong configuration: `EX_CONFIG` of sysexits.h. */
const EXIT_CONFIGURATION = 78;

/** What an application may prepare before it runs. */
export type RunGatewayOptions = Pick<CreateGatewayOptions, 'configure'>;

/**
 * Runs an application as the program of this process: the gateway listens until SIGTERM, SIGINT or SIGHUP, drains, and exits
 * with 0. If it cannot start, prints the reason to standard error and exits: with 78 if the configuration is wrong, otherwise
 * with 1. With `--help` prints all settings.
 *
 * @param root the root module, which imports `GatewayModule`
 */
export async function runGateway(root: RootModule, options: RunGatewayOptions = {}): Promise<void> {
  try {
    if (process.argv.includes('--help')) process.stdout.write(helpText());
    else await start(root, options);
  } catch (error) {
    const isConfiguration = error instanceof ConfigurationError;
    const { message, stack } = error as Error;
    process.stderr.write(`${isConfiguration || error instanceof ListenError ? message : stack}\n`);
    process.exit(isConfiguration ? EXIT_CONFIGURATION : 1);
  }
}

async function start(root: RootModule, options: RunGatewayOptions): Promise<void> {
  const app = await createGateway(root, options);
  for (const misspelt of misspeltVariables()) {
    new Logger('Gateway').warn({ message: 'unknown variable resembles a setting', ...misspelt });
  }
  app.enableShutdownHooks(['SIGTERM', 'SIGINT', 'SIGHUP'], { useProcessExit: true });
  await listen(app);
}
