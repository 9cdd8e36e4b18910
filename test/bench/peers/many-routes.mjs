// The gateway with an upstream of ROUTES routes, as a team's module adds them.
import { Module } from '@nestjs/common';
import { createGateway, listen } from '../../../dist/apps/gateway/src/create-gateway.js';
import { loadSettings } from '../../../dist/libs/gateway/src/index.js';
import { Upstream } from '../../../dist/libs/proxy/src/index.js';

const { ROUTES, SERVICE } = process.env;

class ManyRoutesUpstream {}
const routes = Array.from({ length: Number(ROUTES) }, (_, index) => ({
  methods: ['GET'],
  path: `/v1/resource-${index}/:id`,
}));
Upstream({ name: 'resource-service', instances: { compose: [SERVICE], local: [SERVICE] }, routes })(
  ManyRoutesUpstream,
);

class ManyRoutesModule {}
Module({ providers: [ManyRoutesUpstream] })(ManyRoutesModule);

const settings = loadSettings();
await listen(await createGateway(settings, { modules: [ManyRoutesModule] }), settings);
