import { readFile } from 'node:fs/promises';
import { describeWithNginx, Nginx } from '../support/nginx.js';
import { startService, type PlayedService } from '../support/service.js';
import { echo, openSocket, startSocketService } from '../support/websocket.js';

/** Stands in for a gateway: responds with the headers of the request. */
const startEcho = (): Promise<PlayedService> =>
  startService((request, response) => response.end(JSON.stringify(request.headers)));

/** The headers that a file sets, each once. */
async function headersIn(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8');
  return [...text.matchAll(/^proxy_set_header (\S+)/gm)].map(([, name]) => name!);
}

describe('nginx of a new project', () => {
  it('sets the same headers as that of the product, so that a client cannot send them', async () => {
    const own = await headersIn('configs/nginx/includes/forward.conf');

    expect(await headersIn('templates/project/nginx/forward.conf')).toEqual(own);
  });
});

describeWithNginx('nginx of a new project, running', () => {
  it('says who asks, and believes no client about it', async () => {
    await using service = await startEcho();
    await using nginx = await Nginx.startOfProject([service.port, service.port]);

    const headers = { 'X-Forwarded-For': '10.9.8.7', 'X-Real-IP': '10.9.8.7', 'X-Request-ID': 'forged' };
    const seen: unknown = await (await fetch(`${nginx.url}/orders`, { headers })).json();

    expect(seen).toMatchObject({ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'http' });
    expect(seen).not.toHaveProperty('x-real-ip');
    expect(seen).not.toMatchObject({ 'x-request-id': 'forged' });
  });

  it('keeps metrics and readiness for those inside, and logs no query', async () => {
    await using service = await startEcho();
    await using nginx = await Nginx.startOfProject([service.port, service.port]);

    for (const path of ['/metrics', '/health/ready', '/%6Detrics'])
      expect((await fetch(nginx.url + path)).status).toBe(404);
    expect((await fetch(`${nginx.url}/orders?token=secret`)).status).toBe(200);
    const line = await nginx.logged(({ path }) => path === '/orders');
    expect(JSON.stringify(line)).not.toContain('secret');
  });

  it('passes the WebSocket', async () => {
    await using service = await startSocketService(echo);
    await using nginx = await Nginx.startOfProject([service.port, service.port]);
    await using socket = await openSocket(nginx, '/orders/live');

    socket.send('hello');

    expect(await socket.received(1)).toEqual(['hello']);
  });
});
