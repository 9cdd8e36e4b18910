import { attemptAll, UpstreamRegistry } from '@app/proxy/internal';
import type { INestApplicationContext, Type } from '@nestjs/common';
import { instantiate, type RootModule } from './create-gateway.js';
import { CorsPolicy } from './cors/cors-policy.js';
import { DryRun, type DryRunRequest } from './dry-run.js';
import { GATES } from './gates/gates.module.js';
import { RateLimitGate } from './gates/rate-limit.gate.js';
import { GatewayHttpAdapter } from './http/gateway-http.adapter.js';
import { RedisConnection } from './redis/redis.connection.js';
import { SETTINGS, type Settings } from './settings/complete-settings.js';
import { warningsFor } from './settings/settings-warnings.js';
import type { Variables } from './settings/variables.js';
import { WebSocketRoutes } from './websocket/websocket-routes.js';

const NO_LOGS = { write: () => {} };

/**
 * An application with its compiled settings and routes, which neither listens nor connects. Its constructors and factories
 * have run, and no hook of its modules.
 */
export class InspectedGateway implements Disposable {
  private constructor(private readonly app: INestApplicationContext) {}

  /**
   * @param variables that settings are read from
   * @throws ConfigurationError with all faults, if settings, routes or upstreams are invalid
   */
  static async create(root: RootModule, variables: Variables): Promise<InspectedGateway> {
    const app = await instantiate(root, new GatewayHttpAdapter(), { variables, logs: NO_LOGS });
    const gateway = new InspectedGateway(app);
    try {
      gateway.registry.load();
      const policies = [gateway.get(RateLimitGate), gateway.get(CorsPolicy), gateway.get(WebSocketRoutes)];
      attemptAll(policies.map((policy) => () => policy.onApplicationBootstrap()));
      return gateway;
    } catch (error) {
      gateway[Symbol.dispose]();
      throw error;
    }
  }

  get settings(): Settings {
    return this.app.get<Settings>(SETTINGS, { strict: false });
  }

  get registry(): UpstreamRegistry {
    return this.get(UpstreamRegistry);
  }

  /** Settings that are incompatible, as the gateway warns of them at boot. */
  get warnings(): ReturnType<typeof warningsFor> {
    return warningsFor(this.settings);
  }

  /** Sends a request through the gateway up to its upstream, without the upstream's own gates. Call it once. */
  run(request: DryRunRequest): Promise<DryRun> {
    return DryRun.start(request, {
      get: (type) => this.get(type),
      registry: this.registry,
      gates: this.app.get(GATES, { strict: false }),
      limits: this.get(RateLimitGate),
    });
  }

  [Symbol.dispose](): void {
    this.registry.onApplicationShutdown();
    this.get(RedisConnection).onApplicationShutdown();
  }

  private get<Provider>(type: Type<Provider>): Provider {
    return this.app.get(type, { strict: false });
  }
}
