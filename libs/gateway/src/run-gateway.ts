import { ConfigurationError } from '@app/proxy';
import { createGateway, type CreateGatewayOptions, type RootModule } from './create-gateway.js';
import { describeFailure } from './describe-failure.js';
import { listen, ListenError } from './listen.js';
import { helpText } from './settings/help-text.js';

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
    const isComplete = isConfiguration || error instanceof ListenError;
    process.stderr.write(`${isComplete ? error.message : describeFailure(error)}\n`);
    process.exit(isConfiguration ? EXIT_CONFIGURATION : 1);
  }
}

async function start(root: RootModule, options: RunGatewayOptions): Promise<void> {
  const app = await createGateway(root, options);
  app.enableShutdownHooks(['SIGTERM', 'SIGINT', 'SIGHUP'], { useProcessExit: true });
  await listen(app);
}
