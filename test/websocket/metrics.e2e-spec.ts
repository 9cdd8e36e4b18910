import { startGateway } from '../support/gateway.js';
import { metricsOf } from '../support/metrics.js';
import { CHAT, echo, openSocket, SIGNALING, startSocketService } from '../support/websocket.js';

const labels = (rest = '', endpoint = '/v1/ws/chat'): string =>
  `{endpoint="${endpoint}"${rest},service="api-gateway"}`;

const closes = (code: string, by: string, endpoint?: string): string =>
  `websocket_closes_total${labels(`,code="${code}",by="${by}"`, endpoint)} 1\n`;

describe('messages', () => {
  it('are counted, by direction, while the socket is open and after', async () => {
    await using service = await startSocketService(echo);
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await openSocket(gateway);
    client.send('12345');
    client.send('678');
    await client.received(2);

    const during = await metricsOf(gateway);
    client.socket.close(4_242);
    await client.closed;
    const line = await gateway.logged({ message: 'websocket closed' });
    const after = await metricsOf(gateway);

    expect(during).toContain(`websocket_connections${labels()} 1\n`);
    expect(after).toContain(`websocket_connections${labels()} 0\n`);
    for (const text of [during, after]) {
      expect(text).toContain(`websocket_messages_total${labels(',direction="in"')} 2\n`);
      expect(text).toContain(`websocket_bytes_total${labels(',direction="out"')} 8\n`);
    }
    expect(after).toContain(`websocket_handshake_duration_seconds_count${labels('', 'chat-service')} 1\n`);
    const opened = await gateway.logged({ message: 'request', status: 101 });
    expect(line).toMatchObject({
      request_id: opened['request_id'],
      code: 4_242,
      closed_by: 'client',
      messages_in: 2,
      bytes_out: 8,
      messages_lost: 0,
    });
  });

  it('of which nobody knows whether they arrived are counted, while the socket is open and after', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await openSocket(gateway);
    const end = await service.connection(0);
    const before = await metricsOf(gateway);
    for (const message of ['one', 'two', 'three']) client.send(message);
    await end.received(3);

    end.stream.resetAndDestroy();
    await service.connection(1);
    const during = await metricsOf(gateway);
    client.socket.close(1000);
    await gateway.logged({ message: 'websocket closed' });
    const after = await metricsOf(gateway);

    expect(before).toContain(`websocket_messages_unacknowledged_total${labels()} 0\n`);
    for (const text of [during, after]) {
      expect(text).toContain(`websocket_messages_unacknowledged_total${labels()} 3\n`);
    }
  });
});

describe('a close', () => {
  it('of the client is counted as such, under one label with all codes of applications', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await openSocket(gateway);

    client.socket.close(4_242);
    await gateway.logged({ message: 'websocket closed' });

    expect(await metricsOf(gateway)).toContain(closes('4xxx', 'client'));
  });

  it('of the gateway is counted as such', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, WEBSOCKET_MAX_MESSAGE_BYTES: '10' },
    });
    await using client = await openSocket(gateway, CHAT);

    client.send('eleven byte');
    await gateway.logged({ message: 'websocket closed' });

    const metrics = await metricsOf(gateway);
    expect(metrics).toContain(closes('1009', 'gateway'));
    expect(metrics.match(/^websocket_closes_total\{/gm)).toHaveLength(1);
  });

  it.each<[string, string, (socket: { close(code: number): void; terminate(): void }) => void]>([
    ['with a code', '1000', (socket) => socket.close(1000)],
    ['without a frame', '1006', (socket) => socket.terminate()],
  ])('of the service %s is counted as such', async (_how, code, end) => {
    await using service = await startSocketService();
    await using gateway = await startGateway({ env: { VIDEO_SERVICE_URL: service.url } });
    await using _client = await openSocket(gateway, SIGNALING);

    end((await service.connection(0)).socket);
    await gateway.logged({ message: 'websocket closed' });

    const metrics = await metricsOf(gateway);
    expect(metrics).toContain(closes(code, 'service', '/v1/calls/ws/signaling'));
    expect(metrics.match(/^websocket_closes_total\{/gm)).toHaveLength(1);
  });
});
