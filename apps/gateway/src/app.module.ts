import {
  SettingsModule,
  SETTINGS,
  type Settings,
  type GatewayHttpAdapter,
  type Middleware,
  RequestGrammarMiddleware,
  UnroutedMiddleware,
  HttpModule,
} from '@app/gateway';
import { AuthModule } from '@app/auth';
import { ProxyMiddleware, ProxyModule, type Gate } from '@app/proxy';
import { Module, type DynamicModule, type ModuleMetadata, type NestModule, type Type } from '@nestjs/common';
import { HttpAdapterHost, ModuleRef } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { CorsMiddleware } from './cors/cors.middleware.js';
import { CorsModule } from './cors/cors.module.js';
import { PreflightMiddleware } from './cors/preflight.middleware.js';
import { ActiveResponder } from './errors/active.responder.js';
import { ErrorsModule } from './errors/errors.module.js';
import { ControllerHeadersMiddleware } from './gates/controller-headers.middleware.js';
import { GATES, GatesModule } from './gates/gates.module.js';
import { HealthModule } from './health/health.module.js';
import { UpstreamHealth } from './health/upstream.health.js';
import { LifecycleModule } from './lifecycle/lifecycle.module.js';
import { logProviders, type Logs } from './observability/logs.js';
import { ObservabilityModule } from './observability/observability.module.js';
import { UpstreamMetrics } from './observability/upstream-metrics.js';
import { RequestContextMiddleware } from './observability/request-context.middleware.js';
import { OpenApiController } from './openapi/openapi.controller.js';
import { OWN_ROUTES } from './own-routes.js';
import { RedisConnection } from './redis/redis.connection.js';
import { RedisModule } from './redis/redis.module.js';
import { DemoUpstream } from './upstreams/demo.upstream.js';
import { UpstreamsModule } from './upstreams/upstreams.module.js';
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

@Module({
  imports: [
    AuthModule.forRootAsync({
      imports: [RedisModule],
      inject: [SETTINGS, RedisConnection],
      useFactory: (config: Settings, redis: RedisConnection) => ({ ...config.auth, redis }),
    }),
    ProxyModule.forRootAsync({
      imports: [GatesModule],
      inject: [SETTINGS, GATES],
      useFactory: (config: Settings, gates: Gate[]) => ({
        ...config.proxy,
        gates,
        controllerRoutes: OWN_ROUTES,
      }),
    }),
    CorsModule,
    ErrorsModule,
    GatesModule,
    HealthModule,
    HttpModule,
    LifecycleModule,
    ObservabilityModule,
    TerminusModule.forRoot({ logger: false }),
    UpstreamsModule,
    WebSocketModule,
    // A team's modules go here.
  ],
  controllers: [OpenApiController],
  providers: [...CHAIN, UpstreamHealth, UpstreamMetrics],
})
export class AppModule implements NestModule {
  constructor(
    private readonly adapterHost: HttpAdapterHost<GatewayHttpAdapter>,
    private readonly moduleRef: ModuleRef,
    private readonly responder: ActiveResponder,
  ) {}

  /** The application with the given settings, logs and additional modules. */
  static with(config: Settings, logs: Logs, modules: NonNullable<ModuleMetadata['imports']>): DynamicModule {
    return {
      module: AppModule,
      imports: [SettingsModule.forRoot(config, logProviders(logs)), ...modules],
      providers: config.proxy.addresses.has('demo-service') ? [DemoUpstream] : [],
    };
  }

  configure(): void {
    const chain = CHAIN.map((type: Type<Middleware>) => this.moduleRef.get(type));
    this.adapterHost.httpAdapter.applyFirst(this.responder, chain);
  }
}
