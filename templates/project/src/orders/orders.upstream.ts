import { Upstream } from '@secureconnect/gateway';
import { DeletionGate } from './deletion.gate.js';

/** The orders service. `ORDERS_SERVICE_URL` replaces its instances. */
@Upstream({
  name: 'orders',
  instances: ['http://127.0.0.1:4000'],
  gates: [DeletionGate],
  // The service reads who asks from this header, which no client can send.
  requestHeaders: { set: { 'X-User-Id': { from: 'principal.id' } } },
  routes: [
    { methods: ['GET'], path: '/products', auth: 'none' },
    { methods: ['GET', 'POST'], path: '/orders', limit: { name: 'ORDERS', perMinute: 60 } },
    { methods: ['GET', 'DELETE'], path: '/orders/:id' },
    { methods: ['GET'], path: '/orders/live', websocket: {} },
  ],
})
export class OrdersUpstream {}
