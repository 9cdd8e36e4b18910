import { startBehindNginx } from '../support/behind-nginx.js';
import { bearer } from '../support/gateway.js';
import { describeWithNginx } from '../support/nginx.js';
import { RawClient } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { startService } from '../support/service.js';

describeWithNginx('an event stream through nginx', () => {
  it.each([
    ['of a client that asks for events', 'GET', { Accept: 'text/event-stream' }],
    ['of a client that asks for anything', 'GET', { Accept: '*/*' }],
    ['in answer to a POST', 'POST', { Accept: 'application/json, text/event-stream', 'Content-Length': 2 }],
  ])('%s comes event by event', async (_name, method, headers) => {
    let emit: (text: string) => void = () => {};
    await using service = await startService((request, response) => {
      request.resume().on('end', () => {
        response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders();
        emit = (text) => response.write(text);
      });
    });
    await using behind = await startBehindNginx({ CHAT_SERVICE_URL: service.url });
    await using client = await RawClient.connect(behind.port);
    client.write(rawRequest(`${method} /v1/messages`, { headers, body: method === 'POST' ? '{}' : '' }));

    const head = await client.until(/\r\n\r\n/);
    expect(head).toMatch(/^HTTP\/1\.1 200 /);
    expect(head).not.toMatch(/x-accel/i);
    emit('data: one\n\n');
    await client.until(/data: one\n\n\r\n$/);
    emit('data: two\n\n');
    await client.until(/data: two\n\n\r\n$/);
  });

  it('says X-Accel-Buffering to no stranger who comes past nginx', async () => {
    await using service = await startService((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).end('data: one\n\n');
    });
    await using behind = await startBehindNginx({ CHAT_SERVICE_URL: service.url, TRUST_PROXY: 'none' });

    const response = await fetch(`${behind.gateways[0].url}/v1/messages`, { headers: bearer() });

    expect(await response.text()).toBe('data: one\n\n');
    expect(response.headers.get('x-accel-buffering')).toBeNull();
  });
});
