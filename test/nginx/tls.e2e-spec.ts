import { once } from 'node:events';
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps, type RequestOptions } from 'node:https';
import { connect as connectHttp2, constants } from 'node:http2';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { startBehindNginx } from '../support/behind-nginx.js';
import { bearer } from '../support/gateway.js';
import { describeWithNginx } from '../support/nginx.js';
import { startRecordingService, valuesOf } from '../support/recording-service.js';
import { startService } from '../support/service.js';

const { HTTP2_HEADER_PATH, HTTP2_HEADER_METHOD, HTTP2_HEADER_STATUS } = constants;

/** The test's certificate is nobody's. */
const TRUSTING = { rejectUnauthorized: false };

async function handshake(port: number, options: ConnectionOptions): Promise<string> {
  const socket = connectTls({ host: '127.0.0.1', port, ...TRUSTING, ...options });
  try {
    await once(socket, 'secureConnect');
    return `${socket.getProtocol()} ${socket.alpnProtocol || 'none'}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code!;
  } finally {
    socket.destroy();
  }
}

describeWithNginx('TLS', () => {
  it('carries many requests of one HTTP/2 connection, and says so to the service', async () => {
    await using service = await startRecordingService();
    await using behind = await startBehindNginx(
      { AUTH_SERVICE_URL: service.url },
      { NGINX_HSTS: 'max-age=31536000' },
    );
    const session = connectHttp2(`https://127.0.0.1:${behind.nginx.tlsPort}`, TRUSTING);
    const ask = async (): Promise<[number, string | undefined, string]> => {
      const stream = session.request({ [HTTP2_HEADER_PATH]: '/v1/auth/profile', ...bearer() });
      const [headers] = await once(stream, 'response');
      const body = (await stream.setEncoding('utf8').toArray()).join('');
      return [headers[HTTP2_HEADER_STATUS], headers['strict-transport-security'], body];
    };

    const answers = await Promise.all(Array.from({ length: 20 }, ask));
    session.close();

    expect(answers).toEqual(Array.from({ length: 20 }, () => [200, 'max-age=31536000', 'ok']));
    expect(service.requests.map((each) => valuesOf(each, 'x-forwarded-proto'))).toEqual(
      Array.from({ length: 20 }, () => ['https']),
    );
    expect(valuesOf(service.requests[0]!, 'x-forwarded-host')).toEqual([`127.0.0.1:${behind.nginx.tlsPort}`]);
    const line = await behind.nginx.logged(({ protocol }) => protocol === 'HTTP/2.0');
    expect(line.tls).toBe('TLSv1.3');
  });

  it.each([
    ['the answer of a service', '/v1/auth/profile', 200],
    ['a refusal of the gateway', '/v1/nowhere', 404],
    ['a refusal of its own', '/metrics', 404],
  ])('says over TLS alone, with %s, that browsers shall stay with it', async (_name, path, status) => {
    await using service = await startService((_request, response) => response.end('served'));
    await using behind = await startBehindNginx(
      { AUTH_SERVICE_URL: service.url },
      { NGINX_HSTS: 'max-age=60' },
    );
    const { port, tlsPort } = behind.nginx;
    const saidBy = async (options: RequestOptions, ask: typeof requestHttp): Promise<unknown[]> => {
      const asked = ask({ host: '127.0.0.1', path, headers: bearer(), agent: false, ...options }).end();
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      response.resume();
      return [response.statusCode, response.headers['strict-transport-security']];
    };

    expect(await saidBy({ port: tlsPort, ...TRUSTING }, requestHttps)).toEqual([status, 'max-age=60']);
    expect(await saidBy({ port }, requestHttp)).toEqual([status, undefined]);
  });

  it('takes an upload over HTTP/2 and an answer that comes before its end', async () => {
    await using service = await startService((request, response) => {
      request.once('data', () => response.writeHead(409).end('{"error":"already there"}'));
    });
    await using behind = await startBehindNginx({ STORAGE_SERVICE_URL: service.url });
    const session = connectHttp2(`https://127.0.0.1:${behind.nginx.tlsPort}`, TRUSTING);
    const stream = session.request({
      [HTTP2_HEADER_METHOD]: 'PUT',
      [HTTP2_HEADER_PATH]: '/v1/storage/objects/a',
    });
    stream.on('error', () => {}).write(Buffer.alloc(100));

    const [headers] = await once(stream, 'response');

    expect(headers[HTTP2_HEADER_STATUS]).toBe(409);
    session.destroy();
  });

  it.each([
    ['TLS 1.3 with HTTP/2', { ALPNProtocols: ['h2', 'http/1.1'] }, 'TLSv1.3 h2'],
    ['TLS 1.2 with HTTP/1.1', { maxVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'] }, 'TLSv1.2 http/1.1'],
    [
      'TLS 1.1',
      { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' },
      /ALERT_PROTOCOL_VERSION/,
    ],
    ['no forward secrecy', { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' }, /HANDSHAKE_FAILURE/],
  ] as const)('speaks to %s as it should', async (_name, options, expected) => {
    await using behind = await startBehindNginx();

    const spoken = await handshake(behind.nginx.tlsPort, options);

    expect(spoken).toMatch(expected);
  });

  it('resumes a session without tickets', async () => {
    await using behind = await startBehindNginx();
    const socket = connectTls({
      host: '127.0.0.1',
      port: behind.nginx.tlsPort,
      maxVersion: 'TLSv1.2',
      ...TRUSTING,
    });
    const [session] = (await once(socket, 'session')) as [Buffer];
    const hasTicket = socket.getTLSTicket() !== undefined;
    // nginx keeps a session after its last message of the handshake: with a response, it has.
    socket.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(socket, 'data');
    socket.destroy();

    const again = connectTls({
      host: '127.0.0.1',
      port: behind.nginx.tlsPort,
      maxVersion: 'TLSv1.2',
      session,
      ...TRUSTING,
    });
    await once(again, 'secureConnect');
    const isReused = again.isSessionReused();
    again.destroy();

    expect([hasTicket, isReused]).toEqual([false, true]);
  });
});
