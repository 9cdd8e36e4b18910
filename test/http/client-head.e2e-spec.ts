import { startGateway, type RunningGateway } from '../support/gateway.js';
import { RawClient } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { startRawService, type PlayedService } from '../support/service.js';

const DATE = 'Date: Mon, 30 Nov 2026 00:00:00 GMT\r\n';
const PATH = '/v1/auth/profile';

/** A service that answers each request with the same bytes. */
function startAnswering(text: string): Promise<PlayedService> {
  return startRawService((socket) =>
    socket.on('data', () => socket.write(Buffer.from(text, 'latin1'), () => closeBehind(text, socket))),
  );
}

function closeBehind(text: string, socket: { end(): void }): void {
  if (!/Content-Length|chunked|HTTP\/1\.1 [23]04/i.test(text)) socket.end();
}

/** The fields of the gateway's own vary: the request id and the security headers are no part of these tests. */
function headOf(text: string): string[] {
  const lines = text.slice(0, text.indexOf('\r\n\r\n')).split('\r\n');
  return lines.filter((line) =>
    /^(HTTP|Date|Connection|Keep-Alive|Transfer-Encoding|Content-|X-S)/.test(line),
  );
}

async function ask(gateway: RunningGateway, request: string): Promise<string> {
  await using client = await RawClient.connect(gateway.port);
  client.write(request);
  return (await client.ended()).text;
}

const bytesOf = (text: string): string => Buffer.from(text).toString('latin1');

describe('the head of a response for a client', () => {
  it.each([
    ['UTF-8 behind a length', 'Content-Length: 2\r\n', bytesOf('attachment; filename="€ é.txt"')],
    ['UTF-8 before a length', '', bytesOf('attachment; filename="€ é.txt"')],
    ['Latin-1 behind a length', 'Content-Length: 2\r\n', 'attachment; filename="\xe9.txt"'],
    ['Latin-1 before a length', '', 'attachment; filename="\xe9.txt"'],
  ])('keeps each byte of a file name: %s', async (_, before, disposition) => {
    const after = before === '' ? 'Content-Length: 2\r\n' : '';
    const field = `Content-Disposition: ${disposition}\r\n`;
    await using service = await startAnswering(
      `HTTP/1.1 200 OK\r\n${before}${field}X-Same: ${disposition}\r\n${after}\r\nok`,
    );
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    const text = await ask(gateway, rawRequest(`GET ${PATH}`, { headers: { Connection: 'close' } }));

    expect(text).toContain(field);
    expect(text).toContain(`X-Same: ${disposition}\r\n`);
    expect(text).toMatch(/\r\n\r\nok$/);
  });

  it.each([
    ['a length', 'GET', 'Content-Length: 2\r\n\r\nok', ['Content-Length: 2', 'Connection: close'], 'ok'],
    [
      'chunks',
      'GET',
      'Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
      ['Connection: close', 'Transfer-Encoding: chunked'],
      '2\r\nok\r\n0\r\n\r\n',
    ],
    [
      'a body up to the end of the connection',
      'GET',
      '\r\nok',
      ['Connection: close', 'Transfer-Encoding: chunked'],
      '2\r\nok\r\n0\r\n\r\n',
    ],
    [
      'a response to HEAD',
      'HEAD',
      'Content-Length: 2\r\n\r\n',
      ['Content-Length: 2', 'Connection: close'],
      '',
    ],
  ])('announces %s', async (_, method, rest, fields, body) => {
    await using service = await startAnswering(`HTTP/1.1 200 OK\r\n${DATE}${rest}`);
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    const text = await ask(gateway, rawRequest(`${method} ${PATH}`, { headers: { Connection: 'close' } }));

    expect(headOf(text)).toEqual(['HTTP/1.1 200 OK', DATE.trim(), ...fields].toSorted(byPlace(text)));
    expect(text.slice(text.indexOf('\r\n\r\n') + 4)).toBe(body);
  });

  it('ends the body for a client of HTTP/1.0 with the connection', async () => {
    await using service = await startAnswering(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    );
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    const request = rawRequest(`GET ${PATH}`, { headers: { Connection: 'keep-alive' }, version: '1.0' });
    const text = await ask(gateway, request);

    expect(headOf(text)).toEqual(['HTTP/1.1 200 OK', expect.stringMatching(/^Date: /), 'Connection: close']);
    expect(text).toMatch(/\r\n\r\nok$/);
  });

  it('has no chunks for a client of HTTP/1.0 that asks for them', async () => {
    await using service = await startAnswering(
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    );
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    const text = await ask(
      gateway,
      rawRequest(`GET ${PATH}`, { headers: { TE: 'chunked' }, version: '1.0' }),
    );

    expect(headOf(text)).not.toContain('Transfer-Encoding: chunked');
    expect(text).toMatch(/\r\n\r\nok$/);
  });

  it('gives way to an error if the body breaks before a byte of it was sent', async () => {
    await using service = await startAnswering(
      'HTTP/1.1 201 Made\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    );
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    const text = await ask(gateway, rawRequest(`GET ${PATH}`, { headers: { Connection: 'close' } }));

    expect(text).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n/);
    expect(text).toMatch(/\r\nContent-Length: \d+\r\n[^]*\r\n\r\n\{"error"/);
    expect(text).not.toMatch(/Transfer-Encoding/);
  });

  it.each([
    ['204 No Content', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['304 Not Modified', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n'],
    ['200 OK', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['299 Two Words', 'HTTP/1.1 299 Two Words\r\nContent-Length: 2\r\n\r\nok'],
  ])('of %s lets the connection serve further requests', async (status, answer) => {
    await using service = await startAnswering(answer);
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);
    for (let count = 1; count <= 3; count++) {
      client.write(rawRequest(`GET ${PATH}`));
      await client.until(new RegExp(`(?:HTTP/1.1 ${status}[^]*?\\r\\n\\r\\n(?:ok)?){${count}}$`));
    }

    const head = headOf(client.text);

    expect(head).toEqual(expect.arrayContaining(['Connection: keep-alive']));
    expect(head).toContainEqual(expect.stringMatching(/^Keep-Alive: timeout=\d+$/));
    expect(head).not.toContainEqual(expect.stringMatching(/^Transfer-Encoding/));
    expect(head.filter((line) => line.startsWith('Date: '))).toHaveLength(1);
    expect(service.accepted()).toBe(1);
  });

  it('has the usual phrase if that of the service has other bytes than ASCII', async () => {
    await using service = await startAnswering('HTTP/1.1 200 \xe9\r\nContent-Length: 2\r\n\r\nok');
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    const text = await ask(gateway, rawRequest(`GET ${PATH}`, { headers: { Connection: 'close' } }));

    expect(headOf(text)[0]).toBe('HTTP/1.1 200 OK');
  });
});

/** The order of lines as they are in a text, so that a test can name them in any order. */
function byPlace(text: string): (one: string, other: string) => number {
  return (one, other) => text.indexOf(one) - text.indexOf(other);
}
