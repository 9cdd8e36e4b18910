// The gateway with an upstream of ROUTES routes, as a team's module adds them.
import { Module } from '@nestjs/common';
import { AppModule } from '../../../dist/apps/gateway/src/app.module.js';
import { createGateway, listen, Upstream } from '../../../dist/libs/gateway/src/index.js';

const { ROUTES, SERVICE } = process.env;

class ManyRoutesUpstream {}
const routes = Array.from({ length: Number(ROUTES) }, (_, index) => ({
  methods: ['GET'],
  path: `/v1/resource-${index}/:id`,
}));
Upstream({ name: 'resource-service', instances: [SERVICE], routes })(ManyRoutesUpstream);

class ManyRoutesModule {}
Module({ providers: [ManyRoutesUpstream] })(ManyRoutesModule);

await listen(await createGateway(AppModule, { modules: [ManyRoutesModule] }));
