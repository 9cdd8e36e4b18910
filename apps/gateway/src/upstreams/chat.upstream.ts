import { Upstream } from '@app/proxy';

@Upstream({
  name: 'chat-service',
  instances: { compose: ['http://chat-service:8082'], local: ['http://localhost:8082'] },
  routes: [
    { methods: ['GET', 'POST'], path: '/v1/messages' },
    { methods: ['POST'], path: '/v1/presence' },
    { methods: ['GET'], path: '/v1/ws/chat', websocket: true },
  ],
})
export class ChatUpstream {}
