import { Global, Module, type DynamicModule } from '@nestjs/common';
import type { DestinationStream } from 'pino';
import { GATEWAY_OPTIONS, type GatewayOptions } from './gateway.options.js';
import { LINES } from './observability/access-log.js';
import { createPino, PINO, type GatewayLogger } from './observability/gateway-logger.js';
import { SETTINGS, type Settings } from './settings/complete-settings.js';
import { loadSettings } from './settings/load-settings.js';
import type { GatewaySettings } from './settings/settings.js';
import type { Variables } from './settings/variables.js';

/** What exists before the application. */
export interface Boot {
  /** Default: those of the process. */
  readonly variables: Variables | undefined;
  /** Replace those of `forRoot`. Default: none. */
  readonly settings: GatewaySettings | undefined;
  readonly logs: DestinationStream;
  readonly logger: GatewayLogger;
}

export const BOOT = Symbol('BOOT');

/** Absent under `NestFactory.create()`. */
const OPTIONAL_BOOT = { token: BOOT, optional: true };

const NOT_CREATED =
  'GatewayModule needs an application that runGateway() or createGateway() has created: NestFactory.create() makes a server without the limits and timeouts of the gateway';

/** Provides the settings and the output of log lines to every module. */
@Global()
@Module({
  providers: [
    {
      provide: SETTINGS,
      inject: [GATEWAY_OPTIONS, OPTIONAL_BOOT],
      useFactory: (options: GatewayOptions, boot?: Boot) => {
        if (!boot) throw new Error(NOT_CREATED);
        return loadSettings(boot.variables, { settings: options, replacements: boot.settings ?? {} });
      },
    },
    {
      provide: PINO,
      // Behind the settings, which need an application that has both.
      inject: [SETTINGS, OPTIONAL_BOOT],
      useFactory: (settings: Settings, boot?: Boot) => {
        const pino = createPino(settings, boot!.logs);
        boot!.logger.open(pino);
        return pino;
      },
    },
    { provide: LINES, inject: [OPTIONAL_BOOT], useFactory: (boot?: Boot) => boot?.logs },
  ],
  exports: [SETTINGS, PINO, LINES],
})
export class BootModule {
  /** @param options a module that provides `GATEWAY_OPTIONS` */
  static with({ imports = [], providers = [] }: DynamicModule): DynamicModule {
    return { module: BootModule, imports, providers };
  }
}
