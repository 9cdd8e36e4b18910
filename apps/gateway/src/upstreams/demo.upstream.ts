import { Upstream } from '@app/proxy';

/**
 * The demo page of the system. It has no default address: the application has this upstream only if `DEMO_SERVICE_URL` is
 * set.
 */
@Upstream({
  name: 'demo-service',
  instances: { compose: [], local: [] },
  routes: [{ methods: ['GET'], path: '/demo', auth: 'none' }],
})
export class DemoUpstream {}
