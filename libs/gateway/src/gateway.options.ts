import type { ControllerRouteOptions, Gate } from '@app/proxy';
import { ConfigurableModuleBuilder, type Type } from '@nestjs/common';
import type { CodeSettings } from './settings/load-settings.js';

/**
 * What a team gives to `GatewayModule.forRoot`. All fields are optional: defaults of settings are those of their table. A
 * variable of the environment wins over a setting.
 */
export interface GatewayOptions extends CodeSettings {
  /**
   * Gates of every exchange, in this order: after those of the gateway, and before those of an upstream. Each is a provider
   * of any module. They check probes and unknown paths too, but for the preflights of `cors: 'upstream'`. Default: none.
   */
  readonly gates?: readonly Type<Gate>[];

  /**
   * Routes of the team's controllers: the gateway checks their tokens and limits before Nest sees the request, and adds them to
   * the OpenAPI document. A controller without one has no authentication, and the default limit. Default: none.
   */
  readonly controllerRoutes?: readonly ControllerRouteOptions[];
}

/** The settings among the options. */
export function settingsOf({
  gates: _gates,
  controllerRoutes: _routes,
  ...settings
}: GatewayOptions): CodeSettings {
  return settings;
}

interface GatewayExtras {
  /** Whether every module may inject what `GatewayModule` exports without importing it. Default: false. */
  readonly isGlobal?: boolean;
}

/** What `GatewayModule.forRootAsync` may inject and call to get the options. */
export interface GatewayOptionsFactory {
  createGatewayOptions(): GatewayOptions | Promise<GatewayOptions>;
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

/** Options of `GatewayModule.forRootAsync`: `useFactory`, or `useClass` or `useExisting` with a `GatewayOptionsFactory`. */
export type GatewayAsyncOptions = typeof GATEWAY_ASYNC_OPTIONS;
