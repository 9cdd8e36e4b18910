import { startGateway } from '../support/gateway.js';
import { RawClient } from '../support/raw-client.js';
import { startRawService } from '../support/service.js';
import { acceptingAnswer, CHAT, openSocket, rawHandshake, startSocketService } from '../support/websocket.js';

describe('the subprotocol', () => {
  it('is the one that the service chose', async () => {
    await using service = await startSocketService(() => {}, { handleProtocols: () => 'b' });
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });

    await using client = await openSocket(gateway, CHAT, { protocols: ['a', 'b'] });

    expect(client.socket.protocol).toBe('b');
  });

  it('is none where the service chose none', async () => {
    await using service = await startSocketService(() => {}, { handleProtocols: () => false });
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);

    client.write(rawHandshake(CHAT, { 'Sec-WebSocket-Protocol': 'a, b' }));

    expect(await client.until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 101 /);
    expect(client.text).not.toMatch(/sec-websocket-protocol/i);
  });

  it.each([
    ['a list with empty elements', ',a,, b ,', 'a, b'],
    ['an empty list', ' ', undefined],
    ['a list of nothing', ' , ,', undefined],
  ])('is read from %s as if they were not there', async (_what, sent, offered) => {
    await using service = await startSocketService(() => {}, { handleProtocols: () => 'b' });
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);

    client.write(rawHandshake(CHAT, { 'Sec-WebSocket-Protocol': sent }));

    expect(await client.until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 101 /);
    const { handshake } = await service.connection(0);
    expect(handshake.headers['sec-websocket-protocol']).toBe(offered);
    expect(/^sec-websocket-protocol: (.*)\r$/im.exec(client.text)?.[1]).toBe(offered && 'b');
  });

  it('is none where the service names an empty one', async () => {
    await using service = await startRawService((socket) => {
      socket.once('data', (bytes: Buffer) => {
        socket.write(acceptingAnswer(bytes, 'Sec-WebSocket-Protocol: \r\n'));
      });
    });
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });

    await using client = await openSocket(gateway);

    expect(client.socket.protocol).toBe('');
  });

  it('that the client did not offer is a 502', async () => {
    await using service = await startRawService((socket) => {
      socket.once('data', (bytes: Buffer) => {
        socket.write(acceptingAnswer(bytes, 'Sec-WebSocket-Protocol: other\r\n'));
      });
    });
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });

    await expect(openSocket(gateway)).rejects.toThrow('refused with 502');
    expect(await gateway.logged({ status: 502 })).toMatchObject({ error_code: 'UPSTREAM_INVALID_RESPONSE' });
  });
});
