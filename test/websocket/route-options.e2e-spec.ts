import { Module } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
import { startGateway } from '../support/gateway.js';
import { moduleOf, OTHER } from '../support/websocket-module.js';

describe('the boot stops', () => {
  it('at a route whose messages would be too large', async () => {
    const module = moduleOf({ messageLimitBytes: 16 * 1024 * 1024 + 1 });

    await expect(startGateway({ modules: [module] })).rejects.toThrow(
      '/v1/ws/other (other-service) has a messageLimitBytes above 16777216',
    );
  });

  it('at a class without its route', async () => {
    @WebSocketGateway({ path: OTHER })
    class OtherGateway {}
    @Module({ providers: [OtherGateway] })
    class OtherModule {}

    await expect(startGateway({ modules: [OtherModule] })).rejects.toThrow(
      '@WebSocketGateway() names /v1/ws/other, which no WebSocket route has',
    );
  });
});
