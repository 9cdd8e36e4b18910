import { Upstream } from '@app/proxy';

/**
 * The page on which the system can be seen to work. It has no address of its own: the module list holds it only where
 * `DEMO_SERVICE_URL` says who serves it.
 */
@Upstream({
  name: 'demo-service',
  instances: { compose: [], local: [] },
  routes: [{ methods: ['GET'], path: '/demo', auth: 'none' }],
})
export class DemoUpstream {}
