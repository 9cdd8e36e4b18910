import { Upstream } from '@app/proxy';

@Upstream({
  name: 'chat-service',
  instances: { compose: ['http://chat-service:8082'], local: ['http://localhost:8082'] },
  routes: [
    { methods: ['GET', 'POST'], path: '/v1/messages', limit: { name: 'MESSAGES', perMinute: 100 } },
    { methods: ['POST'], path: '/v1/presence' },
    // A room is its conversation's id, which every connection names anew: nothing is lost with one. Clients know
    // no renewal of tokens.
    { methods: ['GET'], path: '/v1/ws/chat', websocket: { resume: true, closesAtExpiry: false } },
  ],
})
export class ChatUpstream {}
