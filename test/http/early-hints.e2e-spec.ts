import { once } from 'node:events';
import type { Socket } from 'node:net';
import { startGateway } from '../support/gateway.js';
import { RawClient } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { startRawService } from '../support/service.js';

const MIB = 1024 * 1024;
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone';
const hint = (link: string): string => `HTTP/1.1 103 Early Hints\r\nLink: ${link}\r\n\r\n`;

describe('early hints', () => {
  it('that cannot be written cost the response nothing', async () => {
    await using service = await startRawService((socket) => {
      socket.once('data', () => socket.write(`${hint('no link')}${hint('</a>; rel=preload')}${OK}`));
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    client.write(rawRequest('GET /v1/auth/profile', { headers: { Connection: 'close' } }));

    const { text, statuses } = await client.ended();

    expect(statuses).toEqual([103, 200]);
    expect(text).toMatch(/^Link: <\/a>; rel=preload\r$/m);
    expect(text).toMatch(/done$/);
  });

  it('without end are not kept for a client that does not read', async () => {
    const { promise: allTaken, resolve } = Promise.withResolvers<void>();
    await using service = await startRawService((socket) => {
      const block = hint(`</${'a'.repeat(8_000)}>; rel=preload`).repeat(128);
      socket.once('data', () => {
        void sendAll(socket, block, 128 * MIB).then(() => socket.write(OK, () => resolve()));
      });
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    client.socket.pause();
    client.write(rawRequest('GET /v1/auth/profile', { headers: { Connection: 'close' } }));

    await allTaken;
    client.socket.resume();
    const { text } = await client.ended();

    expect(text).toMatch(/done$/);
    expect(text.length).toBeLessThan(16 * MIB);
  });
});

/** Writes the same bytes again and again, at the pace of the peer. */
async function sendAll(socket: Socket, block: string, bytes: number): Promise<void> {
  for (let sent = 0; sent < bytes && !socket.destroyed; sent += block.length)
    if (!socket.write(block)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
}
