import { Upstream, type WebSocketPolicy } from '@app/proxy';

/**
 * An offer and its answer belong to one connection: over a new one the service would get the second half of a
 * negotiation that it does not know. The client begins anew, as it does after every close. Clients know no renewal of
 * tokens.
 */
const SIGNALING: WebSocketPolicy = { resume: false, closesAtExpiry: false };

const CALL = { name: 'CALLS_ID', perMinute: 30 };

@Upstream({
  name: 'video-service',
  instances: { compose: ['http://video-service:8083'], local: ['http://localhost:8083'] },
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
