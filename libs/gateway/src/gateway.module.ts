import { AuthModule } from '@app/auth';
import { ProxyMiddleware, ProxyModule, type Gate } from '@app/proxy/internal';
import { Inject, Module, type DynamicModule, type NestModule, type Type } from '@nestjs/common';
import { HttpAdapterHost, ModuleRef } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { BootModule, OPTIONS } from './boot.module.js';
import { CorsMiddleware } from './cors/cors.middleware.js';
import { CorsModule } from './cors/cors.module.js';
import { PreflightMiddleware } from './cors/preflight.middleware.js';
import { ErrorsModule } from './errors/errors.module.js';
import { ExceptionResponder } from './errors/exception.responder.js';
import {
  ConfigurableGatewayModule,
  type GatewayAsyncOptions,
  type GatewayOptions,
} from './gateway.options.js';
import { ControllerHeadersMiddleware } from './gates/controller-headers.middleware.js';
import { GATES, GatesModule } from './gates/gates.module.js';
import { HealthModule } from './health/health.module.js';
import { UpstreamHealth } from './health/upstream.health.js';
import { GatewayHttpAdapter } from './http/gateway-http.adapter.js';
import { HttpModule } from './http/http.module.js';
import { RequestGrammarMiddleware } from './http/request-grammar.middleware.js';
import type { Middleware } from './http/request-chain.js';
import { UnroutedMiddleware } from './http/unrouted.middleware.js';
import { LifecycleModule } from './lifecycle/lifecycle.module.js';
import { GatewayThrottlerStorage } from './redis/throttler-storage.js';
import { ObservabilityModule } from './observability/observability.module.js';
import { RequestContextMiddleware } from './observability/request-context.middleware.js';
import { UpstreamMetrics } from './observability/upstream-metrics.js';
import { OpenApiController } from './openapi/openapi.controller.js';
import { OWN_ROUTES } from './own-routes.js';
import { RedisConnection } from './redis/redis.connection.js';
import { RedisModule } from './redis/redis.module.js';
import { SETTINGS, type Settings } from './settings/complete-settings.js';
import { addressVariableFor } from './settings/upstream-variables.js';
import { UpgradeMiddleware } from './websocket/upgrade.middleware.js';
import { WebSocketModule } from './websocket/websocket.module.js';

/**
 * The middlewares that run for every request, in this order. Controllers get requests that no upstream has a route for.
 */
const CHAIN = [
  RequestContextMiddleware,
  CorsMiddleware,
  RequestGrammarMiddleware,
  PreflightMiddleware,
  ProxyMiddleware,
  UpgradeMiddleware,
  UnroutedMiddleware,
  ControllerHeadersMiddleware,
] as const;

/**
 * The gateway: everything between a client's connection and the upstreams of the other modules. The root module of an
 * application imports it once, and `runGateway` starts the application.
 */
@Module({
  imports: [
    AuthModule.forRootAsync({
      imports: [RedisModule],
      inject: [SETTINGS, RedisConnection],
      useFactory: (settings: Settings, redis: RedisConnection) => ({
        ...settings.auth,
        redis,
        // As for the lookups in Redis: the same request may wait for its rate limit too.
        lookupTimeoutMs: settings.redis.commandTimeoutMs / 2,
      }),
    }),
    ProxyModule.forRootAsync({
      imports: [GatesModule],
      inject: [SETTINGS, GATES, OPTIONS],
      useFactory: (settings: Settings, gates: Gate[], options: GatewayOptions) => ({
        ...settings.proxy,
        gates,
        applicationGates: options.gates ?? [],
        controllerRoutes: [...OWN_ROUTES, ...(options.controllerRoutes ?? [])],
        addressSettingFor: addressVariableFor,
      }),
    }),
    BootModule,
    CorsModule,
    ErrorsModule,
    GatesModule,
    HealthModule,
    HttpModule,
    LifecycleModule,
    ObservabilityModule,
    RedisModule,
    TerminusModule.forRoot({ logger: false }),
    WebSocketModule,
  ],
  controllers: [OpenApiController],
  providers: [...CHAIN, GatewayThrottlerStorage, UpstreamHealth, UpstreamMetrics],
  exports: [GatewayThrottlerStorage, HealthModule],
})
export class GatewayModule extends ConfigurableGatewayModule implements NestModule {
  constructor(
    private readonly adapterHost: HttpAdapterHost<GatewayHttpAdapter>,
    private readonly moduleRef: ModuleRef,
    private readonly responder: ExceptionResponder,
    @Inject(SETTINGS) { server }: Settings,
  ) {
    super();
    this.adapterHost.httpAdapter.configure(server);
  }

  /** @param options of the gateway, known at once. Default: none, so that all settings come from the environment */
  static override forRoot(options: GatewayOptions & { readonly isGlobal?: boolean } = {}): DynamicModule {
    return BootModule.withOptions(super.forRoot(options));
  }

  /** Options from a factory, or from a class with `createGatewayOptions()`. */
  static override forRootAsync(options: GatewayAsyncOptions): DynamicModule {
    return BootModule.withOptions(super.forRootAsync(options));
  }

  configure(): void {
    const chain = CHAIN.map((type: Type<Middleware>) => this.moduleRef.get(type));
    this.adapterHost.httpAdapter.applyFirst(this.responder, chain);
  }
}
