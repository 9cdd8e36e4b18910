import type { IncomingMessage } from 'node:http';
import { principalOf } from '@app/auth';
import { Upstream } from '@app/proxy';
import { Module, type Type } from '@nestjs/common';
import { WebSocketGateway, type OnGatewayConnection, type OnGatewayDisconnect } from '@nestjs/websockets';
import type { WebSocket } from 'ws';
import { bearer, startGateway } from '../support/gateway.js';
import { openSocket, startSocketService } from '../support/websocket.js';

const PATH = '/v1/ws/live';

@Upstream({
  name: 'live-service',
  instances: ['http://localhost:8091'],
  routes: [{ methods: ['GET'], path: PATH, websocket: {} }],
})
class LiveUpstream {}

/** A module of a team, with these classes for its route. */
function moduleWith(...classes: Type[]): Type {
  @Module({ providers: [LiveUpstream, ...classes] })
  class LiveModule {}
  return LiveModule;
}

describe("a team's class", () => {
  it('is not needed for a route', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({
      modules: [moduleWith()],
      env: { LIVE_SERVICE_URL: service.url },
    });
    await using client = await openSocket(gateway, PATH);

    client.send('hello');

    expect(await (await service.connection(0)).received(1)).toEqual(['hello']);
  });

  it('hears of each socket with its request, and of its end', async () => {
    const heard: string[] = [];
    @WebSocketGateway({ path: PATH })
    class LiveGateway implements OnGatewayConnection, OnGatewayDisconnect {
      handleConnection(_client: WebSocket, request: IncomingMessage): void {
        heard.push(`${request.url} ${principalOf(request)!.userId}`);
      }

      handleDisconnect(): void {
        heard.push('gone');
      }
    }
    await using service = await startSocketService();
    await using gateway = await startGateway({
      modules: [moduleWith(LiveGateway)],
      env: { LIVE_SERVICE_URL: service.url },
    });
    {
      await using client = await openSocket(gateway, `${PATH}?room=7`, {
        headers: bearer({ user_id: 'ada' }),
      });
      expect(client.socket.readyState).toBe(1);
    }
    await gateway.logged({ message: 'websocket closed' });

    expect(heard).toEqual([`${PATH}?room=7 ada`, 'gone']);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('a fault of the team');
      },
    ],
    ['rejects', () => Promise.reject(new Error('a fault of the team'))],
  ])('that %s costs its own socket, which is closed with 1011, and no other', async (_how, fail) => {
    @WebSocketGateway({ path: PATH })
    class LiveGateway implements OnGatewayConnection, OnGatewayDisconnect {
      handleConnection(_client: WebSocket, { url }: IncomingMessage): unknown {
        return url!.endsWith('bad') ? fail() : undefined;
      }

      handleDisconnect(): unknown {
        return fail();
      }
    }
    await using service = await startSocketService();
    await using gateway = await startGateway({
      modules: [moduleWith(LiveGateway)],
      env: { LIVE_SERVICE_URL: service.url },
    });
    await using good = await openSocket(gateway, `${PATH}?good`);
    await using bad = await openSocket(gateway, `${PATH}?bad`);

    expect(await bad.closed).toEqual({ code: 1011, reason: 'internal error' });
    expect(await (await service.connection(1)).closed).toMatchObject({ code: 1011 });
    expect(
      await gateway.logged({ message: 'websocket handler failed', handler: 'LiveGateway.handleConnection' }),
    ).toMatchObject({ level: 'error' });
    await gateway.logged({ message: 'websocket handler failed', handler: 'LiveGateway.handleDisconnect' });
    good.send('still here');
    expect(await (await service.connection(0)).received(1)).toEqual(['still here']);
  });
});
