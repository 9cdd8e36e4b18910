import { once } from 'node:events';
import { connect } from 'node:http2';
import { Upstream } from '@app/proxy';
import { Module } from '@nestjs/common';
import { startGateway, type RunningGateway } from '../support/gateway.js';
import { exchangeRaw } from '../support/raw-client.js';
import { startService, type PlayedService } from '../support/service.js';

@Upstream({
  name: 'any-service',
  instances: ['http://127.0.0.1:8080'],
  routes: [{ methods: ['*'], path: '/{*path}', auth: 'none' }],
})
class AnyUpstream {}

@Module({ providers: [AnyUpstream] })
class AnyModule {}

const startEcho = (): Promise<PlayedService> =>
  startService(({ headers, httpVersion }, response) =>
    response.end(`HTTP/${httpVersion} ${headers.upgrade ?? 'without Upgrade'}`),
  );

const startAnyGateway = (url: string): Promise<RunningGateway> =>
  startGateway({ modules: [AnyModule], env: { ANY_SERVICE_URL: url } });

const REQUEST = 'GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const SIGNATURE = '\r\n\r\n\0\r\nQUIT\n';
const ADDRESSES = '\xc0\0\x02\x01\xc0\0\x02\x02\x03\xe8\0\x50';

describe('a client of another protocol', () => {
  it.each([
    ['HTTP/2 without TLS (h2c)', `${PREFACE}\0\0\0\x04\0\0\0\0\0`, 400, 'Malformed request'],
    ['CONNECT', 'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n', 501, 'Method not implemented'],
    [
      'the PROXY protocol 1',
      `PROXY TCP4 192.0.2.1 192.0.2.2 1000 80\r\n${REQUEST}`,
      400,
      'Malformed request',
    ],
    ['the PROXY protocol 2', `${SIGNATURE}\x21\x11\0\x0c${ADDRESSES}${REQUEST}`, 400, 'Malformed request'],
    ['TLS', '\x16\x03\x01\0\x05\x01\0\0\x01\0', 400, 'Malformed request'],
    ['MQTT over TCP', '\x10\x0d\0\x04MQTT\x04\x02\0\x3c\0\x01a', 400, 'Malformed request'],
  ])(
    'gets a response of HTTP/1.1 alone, and the service nothing: %s',
    async (_name, bytes, status, error) => {
      await using service = await startEcho();
      await using gateway = await startAnyGateway(service.url);

      const { statuses, json } = await exchangeRaw(gateway.port, bytes);

      expect([statuses, json, service.accepted()]).toEqual([[status], { error }, 0]);
    },
  );

  it('that offers an upgrade to h2c gets its response over HTTP/1.1', async () => {
    await using service = await startEcho();
    await using gateway = await startAnyGateway(service.url);
    const offer =
      'Connection: close, Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n';

    const { statuses, text } = await exchangeRaw(gateway.port, `GET /a HTTP/1.1\r\nHost: a\r\n${offer}\r\n`);

    expect(statuses).toEqual([200]);
    expect(text).toMatch(/\r\n\r\nHTTP\/1\.1 without Upgrade$/);
  });

  it('of HTTP/2 sees a protocol error', async () => {
    await using service = await startEcho();
    await using gateway = await startAnyGateway(service.url);
    const session = connect(gateway.url);

    const [error] = (await once(session, 'error')) as [unknown];

    expect(error).toMatchObject({ code: 'ERR_HTTP2_ERROR', message: 'Protocol error' });
    session.destroy();
  });
});
