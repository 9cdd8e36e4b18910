import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { CodeSettings } from './settings/load-settings.js';

/**
 * What a team gives to `GatewayModule.forRoot`. All fields are optional: defaults are those of the table of settings. A
 * variable of the environment wins over a field.
 */
export type GatewayOptions = CodeSettings;

interface GatewayExtras {
  /** Whether every module may inject what `GatewayModule` exports without importing it. Default: false. */
  readonly isGlobal?: boolean;
}

export const {
  ConfigurableModuleClass: ConfigurableGatewayModule,
  MODULE_OPTIONS_TOKEN: GATEWAY_OPTIONS,
  ASYNC_OPTIONS_TYPE: GATEWAY_ASYNC_OPTIONS,
} = new ConfigurableModuleBuilder<GatewayOptions>({ moduleName: 'Gateway' })
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createGatewayOptions')
  .setExtras<GatewayExtras>({ isGlobal: false }, (definition, { isGlobal = false }) => ({
    ...definition,
    global: isGlobal,
  }))
  .build();
