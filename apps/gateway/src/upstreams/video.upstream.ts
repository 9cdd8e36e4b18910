import { Upstream } from '@app/proxy';

@Upstream({
  name: 'video-service',
  instances: { compose: ['http://video-service:8083'], local: ['http://localhost:8083'] },
  routes: [
    { methods: ['POST'], path: '/v1/calls/initiate' },
    { methods: ['GET'], path: '/v1/calls/:id' },
    { methods: ['POST'], path: '/v1/calls/:id/join' },
    { methods: ['POST'], path: '/v1/calls/:id/end' },
    { methods: ['GET'], path: '/v1/calls/ws/signaling', websocket: true },
    { methods: ['GET'], path: '/v1/ws/signaling', websocket: true, rewrite: '/v1/calls/ws/signaling' },
  ],
})
export class VideoUpstream {}
