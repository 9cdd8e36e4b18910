// A gateway of the build with an upstream of event streams that are resumed.
import { Module } from '@nestjs/common';
import { AppModule } from '../../dist/apps/gateway/src/app.module.js';
import { createGateway, listen, Upstream } from '../../dist/libs/gateway/src/index.js';

class TickerUpstream {}
Upstream({
  name: 'ticker-service',
  instances: ['http://127.0.0.1:9'],
  routes: [{ methods: ['GET'], path: '/v1/ticks', auth: 'none', eventStream: { resume: true } }],
})(TickerUpstream);

class TickerModule {}
Module({ providers: [TickerUpstream] })(TickerModule);

const app = await createGateway(AppModule, { modules: [TickerModule] });
app.enableShutdownHooks(['SIGTERM'], { useProcessExit: true });
await listen(app);
