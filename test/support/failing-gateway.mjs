// An application of the build whose boot fails as `FAILURE` says.
import { Logger, Module } from '@nestjs/common';
import { GatewayModule, runGateway, Upstream } from '../../dist/libs/gateway/src/index.js';

class ShopUpstream {}
Upstream({ name: 'shop', host: 'a b', routes: [] })(ShopUpstream);

function moduleOf(metadata) {
  class TeamModule {}
  Module(metadata)(TeamModule);
  return TeamModule;
}

/** A module whose options cannot be had. */
const failingWith = (useFactory) => moduleOf({ imports: [GatewayModule.forRootAsync({ useFactory })] });

const APPLICATIONS = {
  host: () =>
    moduleOf({
      imports: [GatewayModule.forRoot({ proxy: { addresses: { shop: ['http://127.0.0.1:9'] } } })],
      providers: [ShopUpstream],
    }),
  'no gateway': () => moduleOf({}),
  text: () => failingWith(() => Promise.reject('vault is sealed')),
  nothing: () => failingWith(() => Promise.reject()),
  causes: () =>
    failingWith(() => {
      new Logger('Vault').warn('the vault is slow');
      throw new Error('no options', { cause: new Error('no vault', { cause: 'sealed' }) });
    }),
};

await runGateway(APPLICATIONS[process.env.FAILURE]());
