import { Upstream, type RouteOptions, type WebSocketPolicy } from '@app/proxy';
import { Module, type Type } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';

/** The path of the module's row; its service is where `OTHER_SERVICE_URL` says. */
export const OTHER = '/v1/ws/other';

/** A team's module with one WebSocket route, and with a class that names its path unless told otherwise. */
export function moduleOf(websocket: WebSocketPolicy, hasClass = true, auth?: RouteOptions['auth']): Type {
  @Upstream({
    name: 'other-service',
    instances: { compose: ['http://127.0.0.1:9'], local: ['http://127.0.0.1:9'] },
    routes: [{ methods: ['GET'], path: OTHER, websocket, ...(auth && { auth }) }],
  })
  class OtherUpstream {}
  @WebSocketGateway({ path: OTHER })
  class OtherGateway {}
  @Module({ providers: hasClass ? [OtherUpstream, OtherGateway] : [OtherUpstream] })
  class OtherModule {}
  return OtherModule;
}
