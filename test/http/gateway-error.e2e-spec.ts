import { Controller, Get, HttpException, Module, ServiceUnavailableException } from '@nestjs/common';
import { HealthIndicatorService, TerminusModule, type HealthIndicatorResult } from '@nestjs/terminus';
import { ReadinessCheck, type ReadinessIndicator } from '@app/gateway';
import { SHORT_TIMEOUTS } from '../support/timeouts.js';
import { bearer, startGateway } from '../support/gateway.js';
import { exchangeRaw } from '../support/raw-client.js';
import { startService } from '../support/service.js';
import { rawHandshake } from '../support/websocket.js';

const HEADER = 'x-gateway-error';

@Controller('faulty')
class FaultyController {
  @Get('bug')
  bug(): never {
    throw new Error('a bug');
  }

  @Get('nest')
  nest(): never {
    throw new ServiceUnavailableException();
  }

  @Get('code')
  code(): never {
    throw new HttpException('No', 507, { errorCode: 'DISK_FULL' });
  }

  @Get('odd-code')
  oddCode(): never {
    throw new HttpException('No', 500, { errorCode: 'two\r\nlines' });
  }

  @Get('refusal')
  refusal(): never {
    throw new HttpException('No', 409, { errorCode: 'CONFLICT' });
  }
}

@ReadinessCheck()
class DownCheck implements ReadinessIndicator {
  constructor(private readonly indicators: HealthIndicatorService) {}

  check(): HealthIndicatorResult {
    return this.indicators.check('team').down();
  }
}

@Module({ imports: [TerminusModule], controllers: [FaultyController], providers: [DownCheck] })
class FaultyModule {}

describe("the gateway's own 5xx", () => {
  it.each([
    ['bug', 500, 'INTERNAL_ERROR'],
    ['nest', 503, 'INTERNAL_ERROR'],
    ['code', 507, 'DISK_FULL'],
    ['odd-code', 500, 'INTERNAL_ERROR'],
  ])('of a controller (%s) names its code', async (path, status, code) => {
    await using gateway = await startGateway({ modules: [FaultyModule] });

    const response = await fetch(`${gateway.url}/faulty/${path}`);

    expect(response.status).toBe(status);
    expect(response.headers.get(HEADER)).toBe(code);
  });

  it('for a service that is not there or silent names which', async () => {
    await using silent = await startService(() => {});
    await using gateway = await startGateway({ env: { ...SHORT_TIMEOUTS, CHAT_SERVICE_URL: silent.url } });

    const [unreachable, late] = await Promise.all(
      ['/v1/auth/profile', '/v1/messages'].map((path) =>
        fetch(`${gateway.url}${path}`, { headers: bearer() }),
      ),
    );

    expect([unreachable!.status, unreachable!.headers.get(HEADER)]).toEqual([502, 'UPSTREAM_UNREACHABLE']);
    expect([late!.status, late!.headers.get(HEADER)]).toEqual([504, 'UPSTREAM_TIMEOUT']);
  });

  it('for a WebSocket names its code in the status line of the refusal', async () => {
    await using gateway = await startGateway();

    const { text, statuses } = await exchangeRaw(gateway.port, rawHandshake());

    expect(statuses).toEqual([502]);
    expect(text).toMatch(/^X-Gateway-Error: UPSTREAM_UNREACHABLE\r$/m);
  });

  it('of readiness names itself', async () => {
    await using gateway = await startGateway({ modules: [FaultyModule] });

    const response = await fetch(`${gateway.url}/health/ready`);

    expect(response.status).toBe(503);
    expect(response.headers.get(HEADER)).toBe('NOT_READY');
  });

  it('may be read by a page of an allowed origin', async () => {
    await using gateway = await startGateway();

    const { headers } = await fetch(`${gateway.url}/v1/auth/profile`, {
      headers: { ...bearer(), Origin: 'http://localhost:3000' },
    });

    expect(headers.get(HEADER)).toBe('UPSTREAM_UNREACHABLE');
    expect(headers.get('access-control-expose-headers')).toContain('X-Gateway-Error');
  });
});

describe('what is no 5xx of the gateway has no such header:', () => {
  it.each([500, 502, 503, 504])("a service's own %i", async (status) => {
    await using service = await startService((_request, response) => response.writeHead(status).end('own'));
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    const response = await fetch(`${gateway.url}/v1/auth/profile`, { headers: bearer() });

    expect(response.status).toBe(status);
    expect(await response.text()).toBe('own');
    expect(response.headers.has(HEADER)).toBe(false);
  });

  it.each(['', '{"error":"full"}'])(
    "a service's own refusal of a WebSocket with the body '%s'",
    async (body) => {
      await using service = await startService((_request, response) => response.writeHead(503).end(body));
      await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });

      const { text, statuses } = await exchangeRaw(gateway.port, rawHandshake());

      expect(statuses).toEqual([503]);
      expect(text).not.toMatch(/x-gateway-error/i);
    },
  );

  it('a refusal of the gateway that is for the client to mend', async () => {
    await using gateway = await startGateway({ modules: [FaultyModule] });

    const answers = await Promise.all(
      ['/v1/auth/profile', '/nowhere', '/faulty/refusal'].map((path) => fetch(`${gateway.url}${path}`)),
    );

    expect(answers.map(({ status }) => status)).toEqual([401, 404, 409]);
    expect(answers.map(({ headers }) => headers.has(HEADER))).toEqual([false, false, false]);
  });
});
