import { once } from 'node:events';
import { connect } from 'node:net';
import { bearer } from '../support/gateway.js';
import { GatewayProcess } from '../support/process.js';
import { RawClient } from '../support/raw-client.js';
import { describeWithBuild } from '../support/requirements.js';
import { startService } from '../support/service.js';

const profileRequest = (): string =>
  `GET /v1/auth/profile HTTP/1.1\r\nHost: a\r\nAuthorization: ${bearer().Authorization}\r\n\r\n`;

/** Whether nobody accepts a connection on the port. */
function isRefused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => resolve(false)).once('error', () => resolve(true));
    socket.once('connect', () => socket.destroy());
  });
}

/** A service whose answer to the profile route waits until the test gives it. */
async function startWaitingService(): Promise<
  AsyncDisposable & { url: string; asked: Promise<unknown>; answer: (text: string) => void }
> {
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  let answer: (text: string) => void = () => {};
  const service = await startService((_request, response) => {
    answer = (text) => response.end(text);
    ask();
  });
  return {
    url: service.url,
    asked,
    answer: (text) => answer(text),
    [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
  };
}

describeWithBuild('SIGTERM', () => {
  it.each<NodeJS.Signals>(['SIGTERM', 'SIGHUP', 'SIGINT'])(
    'as %s lets a request in flight finish, then exits with 0',
    async (signal) => {
      await using service = await startWaitingService();
      await using gateway = GatewayProcess.start({ AUTH_SERVICE_URL: service.url });
      const port = await gateway.port();
      await using client = await RawClient.connect(port);
      client.write(profileRequest());
      await service.asked;

      gateway.signal(signal);
      await gateway.logged('drain: listener closed');
      expect(await isRefused(port)).toBe(true);
      service.answer('late but whole');
      const { text } = await client.ended();

      expect(text).toMatch(/^HTTP\/1\.1 200 OK/);
      expect(text).toMatch(/^Connection: close\r$/m);
      expect(text).toMatch(/late but whole$/);
      expect(await gateway.exited).toBe(0);
      expect(gateway.lines.some(({ message }) => message === 'drain complete')).toBe(true);
    },
  );

  it('turns readiness to 503 first, while liveness stays 200 and requests are served as ever', async () => {
    await using service = await startService((_request, response) => response.end('served'));
    await using gateway = GatewayProcess.start({ AUTH_SERVICE_URL: service.url, SHUTDOWN_DELAY_MS: '60000' });
    const url = `http://127.0.0.1:${await gateway.port()}`;
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);

    gateway.signal('SIGTERM');
    await gateway.logged('drain begins: not ready, still serving');

    expect((await fetch(`${url}/health/ready`)).status).toBe(503);
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    expect((await fetch(`${url}/health`)).status).toBe(200);
    const response = await fetch(`${url}/v1/auth/profile`, { headers: bearer() });
    expect(await response.text()).toBe('served');
    // Or it would come back over a new connection, just when the listener closes.
    expect(response.headers.get('connection')).toBe('keep-alive');
  });

  it('serves a request that arrives on an idle connection after the listener closed', async () => {
    await using service = await startService((_request, response) => response.end('served'));
    await using gateway = GatewayProcess.start({ AUTH_SERVICE_URL: service.url });
    await using client = await RawClient.connect(await gateway.port());
    client.write(profileRequest());
    await client.until(/served$/);

    gateway.signal('SIGTERM');
    await gateway.logged('drain: listener closed');
    client.write(profileRequest());
    const { statuses } = await client.ended();

    expect(statuses).toEqual([200, 200]);
    expect(await gateway.exited).toBe(0);
  });

  it('closes an idle connection by itself', async () => {
    await using gateway = GatewayProcess.start({});
    await using client = await RawClient.connect(await gateway.port());
    client.write('GET /health HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.until(/healthy/);

    gateway.signal('SIGTERM');
    const { reset } = await client.ended();

    expect(reset).toBe(false);
    expect(await gateway.exited).toBe(0);
  });

  it('destroys what is left at the deadline and still exits with 0', async () => {
    await using service = await startWaitingService();
    await using gateway = GatewayProcess.start({ AUTH_SERVICE_URL: service.url, DRAIN_TIMEOUT_MS: '200' });
    await using client = await RawClient.connect(await gateway.port());
    client.write(profileRequest());
    await service.asked;

    gateway.signal('SIGTERM');
    const { text } = await client.ended();

    expect(text).toBe('');
    expect(await gateway.logged('drain deadline: destroying what is left')).toMatchObject({ in_flight: 1 });
    expect(await gateway.exited).toBe(0);
  });

  it('resets a response without framing at the deadline, so that it does not look whole', async () => {
    await using service = await startService((_request, response) => {
      response.write('the first part');
    });
    await using gateway = GatewayProcess.start({ AUTH_SERVICE_URL: service.url, DRAIN_TIMEOUT_MS: '300' });
    const port = await gateway.port();
    const socket = connect({ port, host: '127.0.0.1' });
    const ended = new Promise<string>((resolve) => {
      socket.once('end', () => resolve('end')).once('error', ({ message }) => resolve(message));
    });
    socket.write(profileRequest().replace('HTTP/1.1', 'HTTP/1.0'));
    let text = '';
    while (!text.includes('the first part')) text += String((await once(socket, 'data'))[0]);

    gateway.signal('SIGTERM');

    expect(text).not.toMatch(/^(?:Transfer-Encoding|Content-Length):/im);
    expect(await ended).toMatch(/ECONNRESET/);
    expect(await gateway.exited).toBe(0);
  });
});
