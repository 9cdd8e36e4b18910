import type { ServerResponse } from 'node:http';
import { Controller, Get, HttpException, Module, Res } from '@nestjs/common';
import { freePort } from '../support/free-port.mjs';
import { startGateway } from '../support/gateway.js';
import { GatewayProcess } from '../support/process.js';
import { RawClient } from '../support/raw-client.js';
import { describeWithBuild } from '../support/requirements.js';

@Controller('v1/faulty')
class FaultyController {
  @Get('before')
  before(): never {
    throw new TypeError('the password of the ledger is hush');
  }

  @Get('after')
  async after(@Res() response: ServerResponse): Promise<never> {
    await begin(response);
    throw new TypeError('the ledger is gone');
  }

  @Get('after-refusing')
  async afterRefusing(@Res() response: ServerResponse): Promise<never> {
    await begin(response);
    throw new HttpException('The ledger is closed', 503);
  }
}

/** Sends a head and the start of a body, and returns once they are out. */
function begin(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    response.writeHead(200, { 'Content-Type': 'text/plain' });
    response.write('part', () => resolve());
  });
}

@Module({ controllers: [FaultyController] })
class FaultyModule {}

describeWithBuild('a line of the log', () => {
  it('says in the fields of the contract what a request was', async () => {
    await using gateway = GatewayProcess.start({});
    const url = `http://127.0.0.1:${await gateway.port()}/health?access_token=hush`;

    const response = await fetch(url, { headers: { 'User-Agent': 'curl/8.0' } });

    const line = await gateway.logged('request');
    expect(line).toEqual({
      level: 'info',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      service: 'api-gateway',
      message: 'request',
      request_id: response.headers.get('x-request-id'),
      status: 200,
      latency: expect.any(Number),
      client_ip: '127.0.0.1',
      method: 'GET',
      path: '/health',
      user_agent: 'curl/8.0',
    });
  });

  it('is written for failures alone where LOG_LEVEL is warn', async () => {
    const port = await freePort();
    await using gateway = GatewayProcess.start({
      PORT: String(port),
      LOG_LEVEL: 'warn',
      AUTH_SERVICE_URL: 'http://127.0.0.1:9',
    });
    const url = `http://127.0.0.1:${port}`;
    await untilHealthy(url, gateway);

    expect((await fetch(`${url}/health`)).status).toBe(200);
    expect((await fetch(`${url}/nowhere`)).status).toBe(404);
    expect((await fetch(`${url}/v1/auth/login`, { method: 'POST' })).status).toBe(502);

    // Lines come in order, so those of the others would stand before it.
    await gateway.logged('request');
    expect(gateway.lines.filter(({ reason }) => reason === undefined)).toEqual([
      expect.objectContaining({ level: 'error', status: 502, error_code: 'UPSTREAM_UNREACHABLE' }),
    ]);
  });
});

describe("a team's controller", () => {
  it('that fails is a 500 that tells nothing, and a line that tells all', async () => {
    await using gateway = await startGateway({ modules: [FaultyModule] });

    const response = await fetch(`${gateway.url}/v1/faulty/before`);

    const id = response.headers.get('x-request-id');
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ error: 'Internal server error', request_id: id });
    expect(await gateway.logged({ message: 'unexpected error' })).toMatchObject({
      level: 'error',
      request_id: id,
      err: {
        type: 'TypeError',
        message: 'the password of the ledger is hush',
        stack: expect.stringMatching(/^TypeError: .*\n +at .*before .*logs\.e2e-spec\.ts:\d+/),
      },
    });
    expect(await gateway.logged({ message: 'request' })).toMatchObject({ level: 'error', status: 500 });
  });

  it.each([
    ['an error', 'after', 500],
    ['a refusal', 'after-refusing', 503],
  ])('that throws %s behind bytes of its answer breaks the connection', async (_name, path, status) => {
    await using gateway = await startGateway({ modules: [FaultyModule] });
    await using client = await RawClient.connect(gateway.port);
    client.write(`GET /v1/faulty/${path} HTTP/1.1\r\nHost: a\r\n\r\n`);

    const { statuses, text } = await client.ended();

    expect(statuses).toEqual([200]);
    expect(text).toMatch(/\r\n\r\n4\r\npart\r\n$/);
    // Not 499, which says that the client left.
    expect(await gateway.logged({ message: 'request' })).toMatchObject({ level: 'error', status });
  });
});

/** Only asking tells. @throws Error where the process ends before */
async function untilHealthy(url: string, gateway: GatewayProcess): Promise<void> {
  const ended = gateway.exited.then(() => {
    throw new Error(`The gateway ended: ${gateway.stderr}`);
  });
  ended.catch(() => {});
  const request = (): Promise<number> =>
    fetch(`${url}/health`).then(
      ({ status }) => status,
      () => 0,
    );
  while ((await Promise.race([request(), ended])) !== 200);
}
