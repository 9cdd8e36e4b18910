// A gateway of the build with an upstream of event streams that are resumed.
import { Module } from '@nestjs/common';
import { createGateway, listen } from '../../dist/apps/gateway/src/create-gateway.js';
import { loadSettings } from '../../dist/libs/gateway/src/index.js';
import { Upstream } from '../../dist/libs/proxy/src/index.js';

class TickerUpstream {}
Upstream({
  name: 'ticker-service',
  instances: { compose: ['http://ticker-service:80'], local: ['http://127.0.0.1:9'] },
  routes: [{ methods: ['GET'], path: '/v1/ticks', auth: 'none', eventStream: { resume: true } }],
})(TickerUpstream);

class TickerModule {}
Module({ providers: [TickerUpstream] })(TickerModule);

const settings = loadSettings();
const app = await createGateway(settings, { modules: [TickerModule] });
app.enableShutdownHooks(['SIGTERM'], { useProcessExit: true });
await listen(app, settings);
