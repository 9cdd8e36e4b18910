import { importTypeScript } from '../../scripts/jest/modules.mjs';
import { substitute } from './kernel/substitutes.mjs';
import { fileURLToPath } from 'node:url';

/**
 * Messages a second of a client on `/v1/sim/socket`, a route that slows its clients. It is less than they send, and enough for
 * them to close before the end of a play.
 */
export const SLOW_PER_SECOND = 8;

/**
 * Imports the product from its sources, with an upstream whose routes have every option.
 * @param folder where compiled sources are kept @param simulation see `substitute` @param change may change the text of a source, by its path
 */
export async function importProduct(folder, simulation, change) {
  importTypeScript(folder, change);
  // Behind it, so that these hooks are asked first.
  substitute(simulation);
  const [application, gateway, proxy, auth, { Module }, relays, budget, routes, redis] = await Promise.all([
    import('../../apps/gateway/src/app.module.ts'),
    import('../../libs/gateway/src/internal.ts'),
    import('../../libs/proxy/src/internal.ts'),
    import('../../libs/auth/src/internal.ts'),
    import('@nestjs/common'),
    import('../../libs/gateway/src/websocket/relay/relays.ts'),
    import('../../libs/gateway/src/websocket/relay/byte-budget.ts'),
    import('../../libs/gateway/src/websocket/websocket-routes.ts'),
    import('../../libs/gateway/src/redis/redis.connection.ts'),
  ]);
  class SimulationUpstream {}
  proxy.Upstream({
    name: 'sim-service',
    instances: ['http://sim-service:80'],
    routes: [
      { methods: ['GET', 'POST', 'PUT', 'DELETE'], path: '/v1/sim/item' },
      { methods: ['GET', 'POST'], path: '/v1/sim/open', auth: 'none' },
      { methods: ['POST'], path: '/v1/sim/keyed', retriesKeyed: true },
      { methods: ['GET', 'POST'], path: '/v1/sim/limited', limit: { name: 'SIM', perMinute: 6 } },
      { methods: ['GET'], path: '/v1/sim/events', eventStream: { heartbeatMs: 700 } },
      { methods: ['GET'], path: '/v1/sim/resuming', websocket: { resume: true } },
      { methods: ['GET'], path: '/v1/sim/socket', websocket: { messagesPerSecond: SLOW_PER_SECOND } },
    ],
  })(SimulationUpstream);
  class SimulationModule {}
  Module({ providers: [SimulationUpstream] })(SimulationModule);
  return {
    ...application,
    ...gateway,
    ...proxy,
    ...auth,
    ...relays,
    ...budget,
    ...routes,
    ...redis,
    SimulationModule,
  };
}

export const CACHE = fileURLToPath(new URL('../../node_modules/.cache/simulation', import.meta.url));
