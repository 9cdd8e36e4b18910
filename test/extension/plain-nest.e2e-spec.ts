import type { IncomingMessage, RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AuthGuard, Authenticator, AuthModule, CurrentPrincipal, type Principal } from '@app/auth';
import {
  getProxyToken,
  InjectProxy,
  ProxyMiddleware,
  ProxyModule,
  Upstream,
  type Exchange,
  type Gate,
  type ProxyOptions,
} from '@app/proxy';
import {
  Body,
  Controller,
  Get,
  Inject,
  Injectable,
  Logger,
  Module,
  Post,
  UseGuards,
  type DynamicModule,
  type INestApplication,
  type MiddlewareConsumer,
  type NestModule,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import type { RequestHandler } from 'http-proxy-middleware';
import { ask } from '../support/ask.js';
import { bearer, JWT_SECRET } from '../support/gateway.js';
import { bodyOf, startService } from '../support/service.js';

/** Responds with the method, the path and the body of a request. */
const echo: RequestListener = (request, response) => {
  void bodyOf(request).then((body) => response.end(`${request.method} ${request.url} ${body}`));
};

function ordersAt(url: string, auth: 'none' | 'required' = 'none'): Type {
  @Upstream({
    name: 'orders',
    instances: [url],
    routes: [{ methods: ['GET', 'POST'], path: '/orders/:id', auth }],
  })
  class OrdersUpstream {}
  return OrdersUpstream;
}

/** Listens, and ends with the test. */
async function listen(app: INestApplication): Promise<AsyncDisposable & { readonly port: number }> {
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  return { port, [Symbol.asyncDispose]: () => app.close() };
}

/** An application of Nest alone, with the routes of its upstreams. */
async function startPlain(proxy: DynamicModule, providers: Type[], modules: DynamicModule[] = []) {
  @Module({ imports: [proxy, ...modules], providers })
  class PlainModule implements NestModule {
    configure(consumer: MiddlewareConsumer): void {
      consumer.apply(ProxyMiddleware).forRoutes('{*path}');
    }
  }
  const app = await NestFactory.create(PlainModule, {
    bodyParser: false,
    logger: false,
    abortOnError: false,
  });
  return listen(app);
}

/** Demands tokens, as the gateway's own gate does. */
@Injectable()
class TokenGate implements Gate {
  readonly authenticates = true;

  constructor(private readonly authenticator: Authenticator) {}

  check(exchange: Exchange): void | Promise<void> {
    if (exchange.route && exchange.route.options.auth !== 'none')
      return this.authenticator.authenticate(exchange);
  }
}

describe('ProxyModule in a Nest application without the gateway', () => {
  it('carries the requests of an upstream with its defaults', async () => {
    await using service = await startService(echo);
    await using app = await startPlain(ProxyModule.forRoot({}), [ordersAt(service.url)]);

    const posted = await ask(app, { method: 'POST', path: '/orders/7?a=b', body: 'two apples' });
    expect(posted).toMatchObject({ status: 200, body: 'POST /orders/7?a=b two apples' });
    expect(await ask(app, { path: '/else' })).toMatchObject({ status: 404 });
    expect(await ask(app, { method: 'DELETE', path: '/orders/7' })).toMatchObject({ status: 405 });
  });

  it('leaves requests without a route to controllers, and says whose body was read', async () => {
    @Controller('plain')
    class PlainController {
      @Post()
      read(@Body() body: unknown): unknown {
        return body;
      }
    }
    @Module({
      imports: [ProxyModule.forRoot({})],
      controllers: [PlainController],
      providers: [ordersAt('http://127.0.0.1:9')],
    })
    class ParsingModule implements NestModule {
      configure(consumer: MiddlewareConsumer): void {
        consumer.apply(ProxyMiddleware).forRoutes('{*path}');
      }
    }
    const error = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => {});
    await using app = await listen(await NestFactory.create(ParsingModule, { logger: false }));
    const question = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"a":1}' };

    expect(await ask(app, { ...question, path: '/plain?b' })).toMatchObject({ status: 201, body: '{"a":1}' });
    expect(await ask(app, { ...question, path: '/orders/7' })).toMatchObject({ status: 500 });
    expect(String(error.mock.calls[0]![0])).toMatch(/create the application with bodyParser: false/);
  });

  it('responds with the error of the proxy if the service is away', async () => {
    const service = await startService(echo);
    await using app = await startPlain(ProxyModule.forRoot({}), [ordersAt(service.url)]);
    await service[Symbol.asyncDispose]();

    const { status, body } = await ask(app, { path: '/orders/7' });
    expect([status, JSON.parse(body)]).toEqual([502, { error: 'Service unavailable', service: 'orders' }]);
  });

  it('does not start with a route that demands a token while no gate checks it', async () => {
    const started = startPlain(ProxyModule.forRoot({}), [ordersAt('http://127.0.0.1:9', 'required')]);

    await expect(started).rejects.toThrow('orders: /orders/:id demands a token, and no gate checks it');
  });

  it('demands tokens by a gate of the team, with AuthModule', async () => {
    await using service = await startService(echo);
    const auth = AuthModule.forRoot({ secret: JWT_SECRET });
    const proxy = ProxyModule.forRootAsync({
      provideInjectionTokensFrom: [TokenGate],
      inject: [TokenGate],
      useFactory: (gate: TokenGate) => ({ gates: [gate] }),
    });
    await using app = await startPlain(proxy, [ordersAt(service.url, 'required')], [auth]);

    expect(await ask(app, { path: '/orders/7' })).toMatchObject({ status: 401 });
    expect(await ask(app, { path: '/orders/7', headers: bearer() })).toMatchObject({ status: 200 });
  });

  it.each<[ProxyOptions, string]>([
    [{ requestTimeoutMs: Number.NaN }, 'requestTimeoutMs takes a number, 0 or more'],
    [{ health: { ejectionMs: '5s' } } as never, 'health.ejectionMs takes a number, 0 or more'],
    [{ retries: 2 } as never, 'retries takes a group of options: maxRetries, budgetRatio, showsAttempts'],
    [{ gates: {} } as never, 'gates takes a list'],
    [{ tls: {} } as never, 'tls takes a Map'],
    [{ sendsForwarded: 'yes' } as never, 'sendsForwarded takes a boolean'],
    [{ requestTimeout: 1 } as never, 'requestTimeout is no option'],
  ])('does not start with %j', async (options, fault) => {
    const started = startPlain(ProxyModule.forRoot(options), []);

    await expect(started).rejects.toThrow(`ProxyModule: ${fault}`);
  });
});

describe('the proxies of upstreams by name', () => {
  @Controller('names')
  class NamesController {
    constructor(
      @InjectProxy('orders') private readonly orders: RequestHandler,
      @Inject(getProxyToken('plans')) private readonly plans: RequestHandler,
    ) {}

    @Get()
    read(): readonly boolean[] {
      return [this.orders === this.plans, typeof this.orders === 'function'];
    }
  }

  @Module({
    imports: [ProxyModule.forRoot({}), ProxyModule.forFeature('orders', 'plans')],
    controllers: [NamesController],
  })
  class MountedModule implements NestModule {
    constructor(
      @InjectProxy('orders') private readonly orders: RequestHandler,
      @InjectProxy('plans') private readonly plans: RequestHandler,
    ) {}

    configure(consumer: MiddlewareConsumer): void {
      consumer.apply(this.orders).forRoutes('orders');
      consumer.apply(this.plans).forRoutes('plans');
    }
  }

  @Upstream({ name: 'plans', instances: ['http://127.0.0.1:9'], routes: [] })
  class PlansUpstream {}

  it('are one for each upstream, and may be overridden in tests', async () => {
    await using service = await startService(echo);
    @Module({ imports: [MountedModule], providers: [ordersAt(service.url), PlansUpstream] })
    class RootModule {}
    const fake = (_request: IncomingMessage, response: { end(text: string): void }): void =>
      response.end('fake');
    const testing = await Test.createTestingModule({ imports: [RootModule] })
      .overrideProvider(getProxyToken('plans'))
      .useValue(fake)
      .compile();
    await using app = await listen(testing.createNestApplication({ bodyParser: false, logger: false }));

    expect(await ask(app, { path: '/orders/7' })).toMatchObject({ status: 200, body: 'GET /7 ' });
    expect(await ask(app, { path: '/plans/7' })).toMatchObject({ status: 200, body: 'fake' });
    expect(await ask(app, { path: '/names' })).toMatchObject({ body: '[false,true]' });
  });
});

describe('AuthModule in a Nest application without the gateway', () => {
  @Controller('whoami')
  class WhoController {
    @Get()
    @UseGuards(AuthGuard)
    read(@CurrentPrincipal() { userId }: Principal): { readonly userId: string } {
      return { userId };
    }
  }

  const startWith = async (auth: DynamicModule): Promise<AsyncDisposable & { readonly port: number }> => {
    @Module({ imports: [auth], controllers: [WhoController] })
    class RootModule {}
    return listen(await NestFactory.create(RootModule, { logger: false, abortOnError: false }));
  };

  it('guards controllers with a secret alone', async () => {
    await using app: AsyncDisposable & { readonly port: number } = await startWith(
      AuthModule.forRoot({ secret: JWT_SECRET }),
    );

    expect(await ask(app, { path: '/whoami' })).toMatchObject({ status: 401 });
    const known = await ask(app, { path: '/whoami', headers: bearer({ sub: 'ann' }) });
    expect(known).toMatchObject({ status: 200, body: '{"userId":"ann"}' });
  });

  it.each([
    [{}, 'secret takes at least 32 characters'],
    [{ secret: 'short' }, 'secret takes at least 32 characters'],
    [{ secret: JWT_SECRET, clockToleranceSeconds: -1 }, 'clockToleranceSeconds takes a number, 0 or more'],
    [{ secret: JWT_SECRET, claims: { user: 'sub' } }, 'claims.user is no option'],
  ])('does not start with %j', async (options, fault) => {
    const started = startWith(AuthModule.forRoot(options as never));

    await expect(started).rejects.toThrow(`AuthModule: ${fault}`);
    await expect(started).rejects.not.toThrow(JWT_SECRET);
  });
});
