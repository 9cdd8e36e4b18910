import { UpstreamRegistry } from '@app/proxy/internal';
import { bearer, startGateway } from '../support/gateway.js';
import { metricsOf } from '../support/metrics.js';
import { exchangeRaw, RawClient } from '../support/raw-client.js';
import { startRecordingService, valuesOf } from '../support/recording-service.js';
import { CHAT, echo, rawHandshake, startSocketService } from '../support/websocket.js';

const request = (line: string, host = 'gateway', more = ''): string =>
  `${line} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: ${bearer().Authorization}\r\nConnection: close\r\n${more}\r\n`;

describe('a target in absolute-form', () => {
  it.each([
    ['http://gateway/v1/auth/profile?a=b', 'gateway', '/v1/auth/profile?a=b'],
    ['http://GATEWAY:80/v1/auth/profile', 'gateway', '/v1/auth/profile'],
    ['https://gateway/v1/auth/profile', 'Gateway:443', '/v1/auth/profile'],
    ['http://gateway:8080/v1/auth/profile', 'gateway:8080', '/v1/auth/profile'],
    ['http://[::1]/v1/auth/profile?', '[::1]:80', '/v1/auth/profile?'],
    ['http://gateway/v1/users/me?next=http://other/', 'gateway', '/v1/users/me?next=http://other/'],
  ])('%s with Host %s goes to the service as %s', async (target, host, sent) => {
    await using service = await startRecordingService();
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    const { statuses } = await exchangeRaw(gateway.port, request(`GET ${target}`, host));

    expect(statuses).toEqual([200]);
    expect(service.requests.map(({ line }) => line)).toEqual([`GET ${sent} HTTP/1.1`]);
    expect(valuesOf(service.requests[0]!, 'host')).toEqual([host]);
    await gateway.logged({ message: 'request', status: 200, path: sent.split('?')[0] });
  });

  it.each([
    ['http://169.254.169.254/v1/auth/profile', 'Request target and Host header differ'],
    ['http://gateway.evil.example/v1/auth/profile', 'Request target and Host header differ'],
    ['http://gateway:8080/v1/auth/profile', 'Request target and Host header differ'],
    ['http://gateway@evil.example/v1/auth/profile', 'Request target has userinfo'],
    ['http://user:secret@gateway/v1/auth/profile', 'Request target has userinfo'],
    ['ftp://gateway/v1/auth/profile', 'Request target has another scheme than http and https'],
    ['http://gateway/v1/auth/profile#a', 'Request target has a fragment'],
    ['*', 'Request target must be a path or an absolute URI'],
  ])('%s is refused, goes nowhere and is in no log', async (target, error) => {
    await using service = await startRecordingService();
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    for (const method of ['GET', 'OPTIONS', 'POST']) {
      const { statuses, json } = await exchangeRaw(gateway.port, request(`${method} ${target}`));

      expect([statuses, json]).toEqual([[400], { error, request_id: expect.any(String) }]);
    }
    expect(service.accepted()).toBe(0);
    const line = await gateway.logged({ message: 'request', status: 400, method: 'POST' });
    expect(line).toMatchObject({ error_code: 'INVALID_REQUEST', path: '*' });
    expect(JSON.stringify(gateway.logs)).not.toContain('secret');
  });

  it.each([
    ['http://gateway//v1/auth/profile', 400],
    ['http://gateway/v1/keys/../auth/profile', 400],
    ['http://gateway/v1/auth/%2e%2e/auth/profile', 400],
    ['http://gateway/nowhere', 404],
    ['http://gateway/v1/auth/login', 405],
    ['http://gateway/v1/ws/chat', 426],
    ['http://gateway/health', 200],
  ])('obeys the rules of paths and routes: %s is %s', async (target, status) => {
    await using gateway = await startGateway();

    const { statuses } = await exchangeRaw(gateway.port, request(`GET ${target}`));

    expect(statuses).toEqual([status]);
  });

  it('needs a token where its path does, and has the labels and the limits of its route', async () => {
    await using service = await startRecordingService();
    await using gateway = await startGateway({
      env: { AUTH_SERVICE_URL: service.url, RATELIMIT: 'on', RATELIMIT_AUTH_LOGIN: '2' },
    });
    const { limit } = gateway.app.get(UpstreamRegistry).find('/v1/auth/login')!.byMethod.get('POST')!;
    expect(limit).toMatchObject({ perMinute: 2 });
    const login = 'Content-Length: 0\r\n';

    const bare = await exchangeRaw(
      gateway.port,
      'GET http://a/v1/auth/profile HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    );
    const statuses = [];
    for (const target of [
      'http://gateway/v1/auth/login',
      '/v1/auth/login',
      'http://gateway:80/v1/auth/login',
    ]) {
      statuses.push(
        ...(await exchangeRaw(gateway.port, request(`POST ${target}`, 'gateway', login))).statuses,
      );
    }

    expect(bare.statuses).toEqual([401]);
    expect(statuses).toEqual([200, 200, 429]);
    expect(await metricsOf(gateway)).toContain(
      'http_requests_total{method="POST",endpoint="/v1/auth/login",status="200",service="api-gateway"} 2',
    );
  });

  it('is a CORS preflight too', async () => {
    await using gateway = await startGateway();

    const { statuses, text } = await exchangeRaw(
      gateway.port,
      request(
        'OPTIONS http://gateway/v1/auth/login',
        'gateway',
        'Origin: http://localhost:3000\r\nAccess-Control-Request-Method: POST\r\n',
      ),
    );

    expect(statuses).toEqual([204]);
    expect(text).toMatch(/^Access-Control-Allow-Origin: http:\/\/localhost:3000\r$/m);
  });

  it('is one of HTTP/1.0 only with a Host', async () => {
    await using service = await startRecordingService();
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    const old = (host: string): string =>
      `POST http://gateway/v1/auth/login HTTP/1.0\r\n${host}Content-Length: 0\r\n\r\n`;

    expect((await exchangeRaw(gateway.port, old('Host: gateway\r\n'))).statuses).toEqual([200]);
    expect((await exchangeRaw(gateway.port, old(''))).statuses).toEqual([400]);
  });

  it('is no way for RTSP past the check of the protocol', async () => {
    await using service = await startRecordingService();
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    const bytes = request('GET http://gateway/v1/auth/profile').replace('HTTP/1.1', 'RTSP/1.1');

    const { statuses, json } = await exchangeRaw(gateway.port, bytes);

    expect([statuses, json]).toMatchObject([[400], { error: 'Unsupported protocol' }]);
    expect(service.accepted()).toBe(0);
  });
});

describe('a WebSocket handshake in absolute-form', () => {
  it('opens the WebSocket of its path', async () => {
    await using service = await startSocketService(echo);
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
    await using client = await RawClient.connect(gateway.port);

    client.write(rawHandshake(`http://gateway:80${CHAT}`));
    await client.until(/^HTTP\/1\.1 101 /);

    expect((await service.connection(0)).handshake.url).toBe(CHAT);
  });

  it.each([
    `http://other${CHAT}`,
    `http://user@gateway${CHAT}`,
    `ws://gateway${CHAT}`,
    `http://gateway${CHAT}#a`,
  ])('is refused as a request is: %s', async (target) => {
    await using service = await startSocketService();
    await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });

    const { statuses, json } = await exchangeRaw(
      gateway.port,
      rawHandshake(target, { Connection: 'Upgrade, close' }),
    );

    expect([statuses, json]).toMatchObject([[400], { error: expect.stringMatching(/^Request target /) }]);
    expect(service.connections).toEqual([]);
  });
});
