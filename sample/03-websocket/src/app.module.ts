import { GatewayModule, Upstream } from '@secureconnect/gateway';
import { Module } from '@nestjs/common';

@Upstream({
  name: 'echo',
  instances: ['http://127.0.0.1:4103'],
  routes: [
    // A socket outlives a restart of its service: the gateway keeps the messages of the meantime.
    { methods: ['GET'], path: '/echo', auth: 'none', websocket: { resume: true } },
    // This one needs an access token, which a browser sends as `?access_token=`.
    { methods: ['GET'], path: '/private-echo', rewrite: '/echo', websocket: {} },
  ],
})
class EchoUpstream {}

@Module({ imports: [GatewayModule.forRoot()], providers: [EchoUpstream] })
export class AppModule {}
