import { Upstream } from '@app/gateway';

/** The demo page of the system, if `DEMO_SERVICE_URL` says where it is. */
@Upstream({
  name: 'demo-service',
  isOptional: true,
  routes: [{ methods: ['GET'], path: '/demo', auth: 'none' }],
})
export class DemoUpstream {}
