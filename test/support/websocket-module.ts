import { Upstream, type RouteOptions, type WebSocketPolicy } from '@app/proxy';
import { Module, type Type } from '@nestjs/common';

/** The path of the module's route. `OTHER_SERVICE_URL` has the address of its service. */
export const OTHER = '/v1/ws/other';

/** A team's module with one WebSocket route. */
export function moduleOf(websocket: WebSocketPolicy, auth?: RouteOptions['auth']): Type {
  @Upstream({
    name: 'other-service',
    instances: ['http://127.0.0.1:9'],
    routes: [{ methods: ['GET'], path: OTHER, websocket, ...(auth && { auth }) }],
  })
  class OtherUpstream {}
  @Module({ providers: [OtherUpstream] })
  class OtherModule {}
  return OtherModule;
}
