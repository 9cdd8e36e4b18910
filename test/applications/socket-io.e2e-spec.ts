import { Upstream } from '@app/proxy';
import { Module } from '@nestjs/common';
import { Server } from 'socket.io';
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { nextEvent } from '../support/next-event.js';
import { startService } from '../support/service.js';

@Upstream({
  name: 'rooms-service',
  instances: ['http://127.0.0.1:3000'],
  // Requests of a polling session must reach the instance that has it.
  affinity: { by: 'gateway-cookie' },
  routes: [{ methods: ['GET', 'POST'], path: '/socket.io/', websocket: { closesAtExpiry: false } }],
})
class RoomsUpstream {}

@Module({ providers: [RoomsUpstream] })
class RoomsModule {}

/** A socket.io server that responds to each message, and tells everybody. */
async function startRooms(): Promise<{ readonly url: string } & AsyncDisposable> {
  const service = await startService((_request, response) => response.writeHead(404).end());
  const server = new Server(service.server);
  server.on('connection', (socket) => {
    socket.on('say', (data: unknown, reply: (data: unknown) => void) => {
      server.emit('said', data);
      reply(data);
    });
  });
  return { url: service.url, [Symbol.asyncDispose]: () => server.close() };
}

const startRoomsGateway = (...urls: string[]): Promise<RunningGateway> =>
  startGateway({ modules: [RoomsModule], env: { ROOMS_SERVICE_URL: urls.join() } });

/** A client with the transports of socket.io, polling first, unless the options say otherwise. */
function connect(
  { url }: RunningGateway,
  options: Partial<ManagerOptions & SocketOptions> = {},
): Socket & Disposable {
  const socket = io(url, { extraHeaders: bearer(), forceNew: true, reconnection: false, ...options });
  return Object.assign(socket, { [Symbol.dispose]: () => void socket.disconnect() });
}

describe('socket.io', () => {
  it('connects by polling and changes to a WebSocket; messages and bytes pass both ways', async () => {
    await using rooms = await startRooms();
    await using gateway = await startRoomsGateway(rooms.url);
    using ada = connect(gateway);
    using bob = connect(gateway);
    await Promise.all([ada, bob].map((socket) => nextEvent(socket, 'connect')));
    const first = ada.io.engine.transport.name;
    if (first === 'polling') await nextEvent(ada.io.engine, 'upgrade');

    const heard = nextEvent(bob, 'said');
    const reply: unknown = await ada.emitWithAck('say', { text: 'häß', bytes: Buffer.from([0, 255]) });

    expect([first, ada.io.engine.transport.name]).toEqual(['polling', 'websocket']);
    expect(reply).toEqual({ text: 'häß', bytes: Buffer.from([0, 255]) });
    expect(await heard).toEqual([reply]);
  });

  it.each(['polling', 'websocket'])('works by %s alone', async (transport) => {
    await using rooms = await startRooms();
    await using gateway = await startRoomsGateway(rooms.url);
    using client = connect(gateway, { transports: [transport] });
    await nextEvent(client, 'connect');

    expect(await client.emitWithAck('say', 'x'.repeat(100_000))).toHaveLength(100_000);
    expect(client.io.engine.transport.name).toBe(transport);
  });

  it('works over two instances, whose sessions the cookie of the gateway keeps apart', async () => {
    await using first = await startRooms();
    await using second = await startRooms();
    await using gateway = await startRoomsGateway(first.url, second.url);

    for (let client = 0; client < 6; client++) {
      using socket = connect(gateway, { withCredentials: true });
      await nextEvent(socket, 'connect');
      const { engine } = socket.io;
      if (engine.transport.name === 'polling') await nextEvent(engine, 'upgrade');

      expect(await socket.emitWithAck('say', client)).toBe(client);
    }
  });

  it('is refused without a token', async () => {
    await using rooms = await startRooms();
    await using gateway = await startRoomsGateway(rooms.url);
    using client = connect(gateway, { extraHeaders: {} });

    const [error] = (await nextEvent(client, 'connect_error')) as [Error & { description?: number }];

    expect(error.description).toBe(401);
  });
});
