import type { ServerResponse } from 'node:http';
import {
  All,
  Controller,
  Get,
  HttpException,
  Module,
  Param,
  Post,
  type MiddlewareConsumer,
  type NestModule,
} from '@nestjs/common';
import { Upstream, type Exchange, type Gate } from '@app/proxy';
import { ask, type Question } from '../support/ask.js';
import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { exchangeRaw } from '../support/raw-client.js';
import { rawHandshake } from '../support/websocket.js';

/** Counts the requests that Express sees from now on. */
function countExpress({ app }: RunningGateway): { readonly requests: number } {
  const { router } = app.getHttpAdapter().getInstance() as unknown as {
    readonly router: { handle(...all: unknown[]): unknown };
  };
  const handle = router.handle.bind(router);
  const count = { requests: 0 };
  router.handle = (...all) => {
    count.requests++;
    return handle(...all);
  };
  return count;
}

describe('a refusal', () => {
  it.each<[number, string, Question]>([
    [404, 'a path that nobody has', { path: '/nowhere?a=b' }],
    [404, 'a path below one of a controller', { path: '/health/of/all' }],
    [401, 'a request without a token', { path: '/v1/messages' }],
    [401, 'a token that is none', { path: '/v1/messages', headers: { Authorization: 'Bearer a.b.c' } }],
    [403, 'a page of another origin', { path: '/v1/messages', headers: { Origin: 'http://evil.example' } }],
    [
      403,
      'a preflight of such a page',
      {
        method: 'OPTIONS',
        path: '/v1/messages',
        headers: { Origin: 'http://evil.example', 'Access-Control-Request-Method': 'GET' },
      },
    ],
    [405, "a method that an upstream's route does not have", { method: 'PUT', path: '/v1/messages' }],
    [405, 'a method that a controller does not have', { method: 'POST', path: '/health' }],
    [405, 'OPTIONS that is no preflight', { method: 'OPTIONS', path: '/health' }],
    [400, 'a path that two servers read differently', { path: '/v1/%2e%2e/messages' }],
    [417, 'an expectation that is unknown', { path: '/health', headers: { Expect: 'tea' } }],
    [426, 'a plain request for a WebSocket', { path: '/v1/ws/chat', headers: bearer() }],
    [502, 'a service that is not there', { path: '/v1/messages', headers: bearer() }],
  ])('%i of %s is answered without Express and Nest', async (status, _of, question) => {
    await using gateway = await startGateway();
    const express = countExpress(gateway);

    const response = await ask(gateway, question);

    expect(response.status).toBe(status);
    expect(express.requests).toBe(0);
    expect(response.headers['x-request-id']).toMatch(/^[\da-f-]{36}$/);
    expect(await gateway.logged({ message: 'request', status })).toMatchObject({
      request_id: response.headers['x-request-id'],
    });
  });

  it('429 is answered without Express and Nest', async () => {
    await using gateway = await startGateway({ env: { RATELIMIT: 'on', RATELIMIT_AUTH_LOGIN: '1' } });
    const login = { method: 'POST', path: '/v1/auth/login', body: '{}' };
    await ask(gateway, login);
    const express = countExpress(gateway);

    expect((await ask(gateway, login)).status).toBe(429);
    expect(express.requests).toBe(0);
  });

  it('of a WebSocket is answered without Express and Nest', async () => {
    await using gateway = await startGateway();
    const express = countExpress(gateway);

    const { statuses } = await exchangeRaw(gateway.port, rawHandshake());

    expect(statuses).toEqual([502]);
    expect(express.requests).toBe(0);
  });

  it('of a controller is the same response as one of the chain', async () => {
    await using gateway = await startGateway({ modules: [TeamModule] });

    const [byChain, byNest] = await Promise.all(
      ['/nowhere', '/team/middleware/nowhere'].map((path) => ask(gateway, { path })),
    );

    const id = (text: string): string => text.replace(/"request_id":"[\da-f-]{36}"/, '"request_id":""');
    const { 'x-request-id': _one, date: _then, ...chain } = byChain!.headers;
    const { 'x-request-id': _other, date: _now, ...nest } = byNest!.headers;
    expect([byNest!.status, id(byNest!.body), nest]).toEqual([404, id(byChain!.body), chain]);
  });

  it.each(['header', 'body'])('of a team whose %s cannot be written is a 500', async (part) => {
    await using gateway = await startGateway({ modules: [TeamModule] });

    const { status, headers, body } = await ask(gateway, { path: `/v1/odd/${part}` });

    expect([status, headers['x-gateway-error']]).toEqual([500, 'INTERNAL_ERROR']);
    expect(JSON.parse(body)).toEqual({ error: 'Internal server error', request_id: headers['x-request-id'] });
    expect(await gateway.logged({ message: 'unexpected error' })).toMatchObject({ level: 'error' });
    expect(await gateway.logged({ message: 'request' })).toMatchObject({
      status: 500,
      error_code: 'INTERNAL_ERROR',
    });
  });
});

@Controller('team')
class TeamController {
  @Get('things/:id')
  thing(@Param('id') id: string): string {
    return `thing ${id}`;
  }

  @Post('things')
  add(): string {
    return 'added';
  }

  @All('any')
  any(): string {
    return 'any';
  }

  @Get('files/*path')
  file(): string {
    return 'file';
  }
}

class OddGate implements Gate {
  check({ request: { url } }: Exchange): void {
    if (url!.endsWith('body')) throw new HttpException({ error: 1n }, 409);
    throw Object.assign(new HttpException('odd', 409), { headers: ['X-Odd', 'two\r\nlines'] });
  }
}

@Upstream({
  name: 'odd-service',
  instances: ['http://127.0.0.1:9'],
  gates: [OddGate],
  routes: [{ methods: ['GET'], path: '/v1/odd/:part', auth: 'none' }],
})
class OddUpstream {}

@Module({ controllers: [TeamController], providers: [OddGate, OddUpstream] })
class TeamModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer
      .apply((incoming: { originalUrl: string }, response: ServerResponse, next: () => void) => {
        if (incoming.originalUrl.endsWith('/page')) response.end('page');
        else next();
      })
      .forRoutes('team/middleware/*path');
  }
}

describe("a team's own", () => {
  it.each<[string, string, number, string]>([
    ['GET', '/team/things/7', 200, 'thing 7'],
    ['GET', '/team/things/7/?a=b', 200, 'thing 7'],
    ['GET', '/TEAM/Things/7', 200, 'thing 7'],
    ['HEAD', '/team/things/7', 200, ''],
    ['POST', '/team/things', 201, 'added'],
    ['DELETE', '/team/any', 200, 'any'],
    ['GET', '/team/files/a/b/c', 200, 'file'],
    ['GET', '/team/middleware/page', 200, 'page'],
    ['GET', '/health/', 200, 'healthy'],
  ])('%s %s is served by Express', async (method, path, status, text) => {
    await using gateway = await startGateway({ modules: [TeamModule] });
    const express = countExpress(gateway);

    const response = await ask(gateway, { method, path });

    expect([response.status, response.body]).toEqual([status, expect.stringContaining(text)]);
    expect(express.requests).toBe(1);
  });
});
