import { bearer, startGateway } from '../support/gateway.js';
import { CHAT, openSocket, startSocketService } from '../support/websocket.js';

const token = bearer().Authorization.slice('Bearer '.length);

describe('a token', () => {
  it.each([
    ['the Authorization header', CHAT, { Authorization: `Bearer ${token}` }, [], '?conversation_id=7'],
    ['?access_token=', `${CHAT}&access_token=${token}`, {}, [], '?conversation_id=7'],
    ['?token= in front of the rest', `/v1/ws/chat?token=${token}&a=%7Bb`, {}, [], '?a=%7Bb'],
    ['?token= alone', `/v1/ws/chat?token=${token}`, {}, [], ''],
    ['a name that is encoded', `/v1/ws/chat?%74oken=${token}&b`, {}, [], '?b'],
    ['a subprotocol', CHAT, {}, ['chat.v1', `bearer.${token}`], '?conversation_id=7'],
    [
      'the header, which comes before the query',
      `${CHAT}&token=garbage`,
      { Authorization: `Bearer ${token}` },
      [],
      '?conversation_id=7',
    ],
  ])('comes from %s, and goes on as Authorization alone', async (_name, path, headers, protocols, query) => {
    await using service = await startSocketService(() => {}, {
      handleProtocols: (offered) => [...offered][0] ?? false,
    });
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url, LOG_LEVEL: 'trace' } });

    await using client = await openSocket(gateway, path, { headers, protocols: [...protocols] });
    const { handshake } = await service.connection(0);

    expect(handshake.headers.authorization).toBe(`Bearer ${token}`);
    expect(handshake.url).toBe(`/v1/ws/chat${query}`);
    expect(handshake.headers['sec-websocket-protocol']).toBe(protocols.length > 0 ? 'chat.v1' : undefined);
    expect(client.socket.protocol).toBe(protocols.length > 0 ? 'chat.v1' : '');
    await gateway.logged({ message: 'request', status: 101 });
    expect(JSON.stringify(gateway.logs)).not.toContain(token.split('.')[1]);
    expect(JSON.stringify(client.handshake.rawHeaders)).not.toContain(token);
  });
});
