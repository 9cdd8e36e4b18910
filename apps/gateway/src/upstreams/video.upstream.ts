import { Upstream, type WebSocketPolicy } from '@app/gateway';

/**
 * Does not resume: an offer and its answer belong to one connection, and over a new one the service would get the second
 * half of an unknown negotiation. The client starts again, as after every close. Stays open at the expiry of the token,
 * since clients do not renew tokens.
 */
const SIGNALING: WebSocketPolicy = { resume: false, closesAtExpiry: false };

const CALL = { name: 'CALLS_ID', perMinute: 30 };

@Upstream({
  name: 'video-service',
  instances: ['http://localhost:8083'],
  routes: [
    { methods: ['POST'], path: '/v1/calls/initiate', limit: { name: 'CALLS_INITIATE', perMinute: 10 } },
    { methods: ['GET'], path: '/v1/calls/:id', limit: CALL },
    { methods: ['POST'], path: '/v1/calls/:id/join', limit: { name: 'CALLS_ID_JOIN', perMinute: 10 } },
    { methods: ['POST'], path: '/v1/calls/:id/end', limit: CALL },
    { methods: ['GET'], path: '/v1/calls/ws/signaling', websocket: SIGNALING },
    { methods: ['GET'], path: '/v1/ws/signaling', websocket: SIGNALING, rewrite: '/v1/calls/ws/signaling' },
  ],
})
export class VideoUpstream {}
