// A gateway of the build whose team has a provider with every shutdown hook, in the root module, a module of its own, and a
// global one. Each hook logs its name, and what the gateway responds meanwhile.
import { Logger, Module } from '@nestjs/common';
import { GatewayModule, runGateway, Upstream } from '../../dist/libs/gateway/src/index.js';

const logger = new Logger('Hooks');
let url;

async function statusOf(path) {
  try {
    const { status } = await fetch(url + path, { headers: { Connection: 'close' } });
    return status;
  } catch {
    return 'refused';
  }
}

/** A provider that logs its hooks. */
function hooksOf(module) {
  const report = async (hook) => {
    const [ready, items] = [await statusOf('/health/ready'), await statusOf('/items')];
    logger.log({ message: `${module} ${hook}`, ready, items });
  };
  return class {
    onModuleDestroy = () => report('onModuleDestroy');
    beforeApplicationShutdown = () => report('beforeApplicationShutdown');
    onApplicationShutdown = () => report('onApplicationShutdown');
  };
}

function moduleOf(metadata) {
  class TeamModule {}
  Module(metadata)(TeamModule);
  return TeamModule;
}

class BrokenHooks {
  async onModuleDestroy() {
    throw new Error('broken hook');
  }
}

class ShopUpstream {}
Upstream({ name: 'shop', routes: [{ methods: ['GET'], path: '/items', auth: 'none' }] })(ShopUpstream);

const global = { module: moduleOf({}), global: true, providers: [hooksOf('global')] };
const nested = moduleOf({ providers: [BrokenHooks, hooksOf('nested')] });

const root = moduleOf({
  imports: [GatewayModule.forRoot(), global, moduleOf({ imports: [nested] })],
  providers: [ShopUpstream, hooksOf('root')],
});
await runGateway(root, { configure: (app) => app.getHttpServer().once('listening', findAddress) });

function findAddress() {
  url = `http://127.0.0.1:${this.address().port}`;
}
