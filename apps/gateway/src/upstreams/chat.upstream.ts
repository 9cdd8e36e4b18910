import { Upstream } from '@app/gateway';

@Upstream({
  name: 'chat-service',
  instances: ['http://localhost:8082'],
  routes: [
    { methods: ['GET', 'POST'], path: '/v1/messages', limit: { name: 'MESSAGES', perMinute: 100 } },
    { methods: ['POST'], path: '/v1/presence' },
    // Resumes, since every connection names its room, the id of a conversation, again. Stays open at the expiry of the
    // token, since clients do not renew tokens.
    { methods: ['GET'], path: '/v1/ws/chat', websocket: { resume: true, closesAtExpiry: false } },
  ],
})
export class ChatUpstream {}
