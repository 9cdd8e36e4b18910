import { startGateway } from '../support/gateway.js';
import {
  closeCodeOf,
  echo,
  frame,
  OPCODE,
  openRawSocket,
  openSocket,
  startSocketService,
} from '../support/websocket.js';

describe('a client that floods', () => {
  it('is closed with 1008 once it sends more messages than the route lets it', async () => {
    await using service = await startSocketService(echo);
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, WEBSOCKET_MAX_MESSAGES_PER_SECOND: '10' },
    });
    await using client = await openSocket(gateway);

    for (let each = 0; each < 100; each++) client.send(String(each));

    expect(await client.closed).toEqual({ code: 1008, reason: 'too many messages' });
    const { messages } = await service.connection(0);
    expect(messages.length).toBeGreaterThanOrEqual(20);
    expect(messages.length).toBeLessThan(40);
    expect(messages).toEqual(messages.map((_, index) => String(index)));
  });

  it('is closed with 1008 once it sends more pings', async () => {
    await using service = await startSocketService(echo);
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await openSocket(gateway);

    for (let each = 0; each < 1_000; each++) client.socket.ping('p');

    expect(await client.closed).toEqual({ code: 1008, reason: 'too many messages' });
  });

  it('is closed with 1008 once it sends more pongs that nobody asked for', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, WEBSOCKET_MAX_MESSAGES_PER_SECOND: '10' },
    });
    await using client = await openRawSocket(gateway, service);

    client.write(Buffer.concat(Array.from({ length: 1_000 }, () => frame(OPCODE.pong))));

    expect(await closeCodeOf(client)).toBe(1008);
  });
});
