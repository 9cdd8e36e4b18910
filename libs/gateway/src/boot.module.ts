import { Global, Module, type DynamicModule } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { DestinationStream } from 'pino';
import {
  ConfigurableGatewayModule,
  GATEWAY_OPTIONS,
  settingsOf,
  type GatewayOptions,
} from './gateway.options.js';
import { ModuleConfigurationError } from './module-configuration.error.js';
import { LINES } from './observability/access-log.js';
import { PINO, type GatewayLogger } from './observability/gateway-logger.js';
import { SETTINGS, type Settings } from './settings/complete-settings.js';
import { loadSettings } from './settings/load-settings.js';
import type { GatewaySettings } from './settings/settings.js';
import type { Variables } from './settings/variables.js';

/** Values that exist before Nest creates the application. */
export interface Boot {
  /** Default: those of the process. */
  readonly variables: Variables | undefined;
  /** Replace those of `forRoot`. Default: none. */
  readonly settings: GatewaySettings | undefined;
  readonly logs: DestinationStream;
  readonly logger: GatewayLogger;
}

/** Provided by `createGateway`. */
const BOOT_VALUES = Symbol('BOOT_VALUES');

/** The values, in an application whose modules make a gateway. All else of the gateway needs them. */
const BOOT = Symbol('BOOT');

/** The options of `forRoot` or `forRootAsync`, which must be there. */
export const OPTIONS = Symbol('OPTIONS');

const NOT_CREATED =
  'GatewayModule needs an application that runGateway() or createGateway() has created: NestFactory.create() makes a server without the limits and timeouts of the gateway';
const NOT_IMPORTED = 'The application has no gateway: its root module must import GatewayModule.forRoot()';
const WITHOUT_OPTIONS = 'GatewayModule has no options: import GatewayModule.forRoot() in its place';
const TWICE =
  'GatewayModule is imported twice: import GatewayModule.forRoot() once, in the root module; with isGlobal, all modules may inject what it exports';

/** Provides `GATEWAY_OPTIONS` to every module. */
@Module({})
class GatewayOptionsModule {}

/** Provides the settings and the output of log lines to every module. */
@Global()
@Module({
  providers: [
    {
      provide: BOOT,
      inject: [ModulesContainer, { token: BOOT_VALUES, optional: true }],
      useFactory: (modules: ModulesContainer, values?: Boot): Boot => {
        if (!values) throw new ModuleConfigurationError(NOT_CREATED);
        checkModules(modules);
        return values;
      },
    },
    {
      provide: OPTIONS,
      inject: [BOOT, { token: GATEWAY_OPTIONS, optional: true }],
      useFactory: (_boot: Boot, options?: GatewayOptions): GatewayOptions => {
        if (!options) throw new ModuleConfigurationError(WITHOUT_OPTIONS);
        return options;
      },
    },
    {
      provide: SETTINGS,
      inject: [BOOT, OPTIONS],
      useFactory: ({ variables, settings = {} }: Boot, options: GatewayOptions): Settings =>
        loadSettings(variables, { settings: settingsOf(options), replacements: settings }),
    },
    {
      provide: PINO,
      inject: [BOOT, SETTINGS],
      useFactory: ({ logger }: Boot, settings: Settings) => logger.open(settings),
    },
    { provide: LINES, inject: [BOOT], useFactory: ({ logs }: Boot) => logs },
  ],
  exports: [OPTIONS, SETTINGS, PINO, LINES],
})
export class BootModule {
  /** For an application that is being created. */
  static valuesOf(boot: Boot): DynamicModule {
    const providers = [{ provide: BOOT_VALUES, useValue: boot }];
    return { module: BootValues, global: true, providers, exports: providers };
  }

  /** Takes the providers of `GATEWAY_OPTIONS` out of a module: the settings need them before all others. */
  static withOptions({ imports = [], providers = [], ...module }: DynamicModule): DynamicModule {
    const options = {
      module: GatewayOptionsModule,
      global: true,
      imports,
      providers,
      exports: [GATEWAY_OPTIONS],
    };
    return { ...module, imports: [options] };
  }
}

@Module({})
class BootValues {}

/** @throws ModuleConfigurationError unless the application imports `GatewayModule` once */
function checkModules(modules: ModulesContainer): void {
  const gateways = [...modules.values()].filter(
    ({ metatype }) => metatype.prototype instanceof ConfigurableGatewayModule,
  );
  if (gateways.length === 0) throw new ModuleConfigurationError(NOT_IMPORTED);
  if (gateways.length > 1) throw new ModuleConfigurationError(TWICE);
}
