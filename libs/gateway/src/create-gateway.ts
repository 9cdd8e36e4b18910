import {
  Logger,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type ModuleMetadata,
  type OnModuleDestroy,
  type Type,
} from '@nestjs/common';
import { DiscoveryService, ModuleRef, NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { DestinationStream } from 'pino';
import { BootModule, type Boot } from './boot.module.js';
import { GatewayHttpAdapter } from './http/gateway-http.adapter.js';
import { DrainService } from './lifecycle/drain.service.js';
import { GatewayLogger } from './observability/gateway-logger.js';
import { LineOutput } from './observability/line-output.js';
import { SETTINGS, type Settings } from './settings/complete-settings.js';
import { misspeltVariables } from './settings/misspelt-variables.js';
import { warningsFor } from './settings/settings-warnings.js';
import type { GatewaySettings } from './settings/settings.js';
import type { Variables } from './settings/variables.js';
import { containFailures, GatewayWebSocketAdapter } from './websocket/gateway-websocket.adapter.js';
import { WebSocketRoutes } from './websocket/websocket-routes.js';

const STANDARD_OUTPUT = 1;

/** The root module of an application, which imports `GatewayModule`. */
export type RootModule = Type | DynamicModule;

/** What an application has beside its root module: for tests, and for programs that run several gateways. */
export interface CreateGatewayOptions {
  /** Modules in addition to the root module. Default: none. */
  readonly modules?: NonNullable<ModuleMetadata['imports']>;
  /** Variables that settings are read from. Default: those of the process. */
  readonly variables?: Variables;
  /** Settings that replace those of `forRoot`; a variable wins over them. Default: none. */
  readonly settings?: GatewaySettings;
  /** Destination of log lines. Default: standard output. */
  readonly logs?: DestinationStream;
  /**
   * Prepares the application before its modules are initialized: global pipes, the pages of `SwaggerModule.setup`. If it
   * throws, the boot fails. Default: does nothing.
   */
  readonly configure?: (app: NestExpressApplication) => void | Promise<void>;
}

/**
 * Imports the root module of an application. Nest calls the shutdown hooks of this module before those of all others, so that
 * the drain begins and ends before a team's own `beforeApplicationShutdown`.
 */
@Module({})
class GatewayApplication implements OnModuleDestroy, BeforeApplicationShutdown {
  constructor(private readonly moduleRef: ModuleRef) {}

  static of(root: RootModule, modules: NonNullable<ModuleMetadata['imports']>, boot: Boot): DynamicModule {
    return { module: GatewayApplication, imports: [BootModule.valuesOf(boot), BootModule, root, ...modules] };
  }

  onModuleDestroy(): void {
    this.drain.begin();
  }

  async beforeApplicationShutdown(signal?: string): Promise<void> {
    await this.drain.run(signal);
  }

  private get drain(): DrainService {
    return this.moduleRef.get(DrainService, { strict: false });
  }
}

/**
 * Creates the gateway, ready to listen.
 *
 * @throws ConfigurationError if settings, modules, routes or upstreams are invalid
 */
export async function createGateway(
  root: RootModule,
  options: CreateGatewayOptions = {},
): Promise<NestExpressApplication> {
  const http = new GatewayHttpAdapter();
  const app = await instantiate(root, http, options);
  try {
    containFailures(app.get(DiscoveryService));
    app.useWebSocketAdapter(new GatewayWebSocketAdapter(http, app.get(WebSocketRoutes)));
    await options.configure?.(app);
    await app.init();
  } catch (error) {
    // Open connections, such as the one to Redis, would keep the process running.
    await app.close();
    throw error;
  }
  warn(app.get<Settings>(SETTINGS), options.variables);
  return app;
}

/** Creates all providers of an application. No hook of theirs has run yet, so nothing listens and nothing connects. */
export function instantiate(
  root: RootModule,
  http: GatewayHttpAdapter,
  { modules = [], variables, settings, logs = new LineOutput(STANDARD_OUTPUT) }: CreateGatewayOptions,
): Promise<NestExpressApplication> {
  const logger = new GatewayLogger(logs);
  const created = NestFactory.create<NestExpressApplication>(
    GatewayApplication.of(root, modules, { variables, settings, logs, logger }),
    http,
    // Without `bodyParser`, bodies pass unchanged. Without `abortOnError`, the caller decides how a failed boot ends.
    { bodyParser: false, abortOnError: false, logger },
  );
  return created.catch((error: unknown) => {
    logger.openByDefault();
    throw error;
  });
}

function warn(settings: Settings, variables: Variables | undefined): void {
  const logger = new Logger('Gateway');
  for (const warning of warningsFor(settings)) {
    logger.warn({ message: 'incompatible settings', ...warning });
  }
  for (const misspelt of misspeltVariables(variables)) {
    logger.warn({ message: 'unknown variable resembles a setting', ...misspelt });
  }
}
