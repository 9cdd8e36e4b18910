import {
  ConfigurationError,
  createGateway,
  GatewayModule,
  ProxyModule,
  Upstream,
  type Gate,
  type RouteOptions,
  type UpstreamOptions,
} from '@app/gateway';
import { Injectable, Logger, Module, Scope, type ModuleMetadata, type Type } from '@nestjs/common';
import { JWT_SECRET } from '../support/gateway.js';
import { startService } from '../support/service.js';

type Lines = Record<string, unknown>[];

const ROUTES: readonly RouteOptions[] = [{ methods: ['GET'], path: '/v1/bills', auth: 'none' }];

function moduleOf(metadata: ModuleMetadata): Type {
  @Module(metadata)
  class TeamModule {}
  return TeamModule;
}

function upstreamOf(options: Partial<UpstreamOptions>): Type {
  @Upstream({ name: 'billing', instances: ['http://127.0.0.1:9'], routes: ROUTES, ...options })
  class BillingUpstream {}
  return BillingUpstream;
}

const gatewayWith = (options: Partial<UpstreamOptions>): Type =>
  moduleOf({ imports: [GatewayModule.forRoot()], providers: [upstreamOf(options)] });

/** Fails to create a gateway. @returns the error, and the lines of the log */
async function fail(
  root: Type,
  variables: Readonly<Record<string, string>> = {},
): Promise<{ error: unknown; lines: Lines }> {
  const lines: Lines = [];
  const logs = { write: (line: string) => void lines.push(JSON.parse(line) as Lines[number]) };
  const defaults = { JWT_SECRET, REDIS_URL: 'redis://127.0.0.1:9', HEALTH_CHECK_INTERVAL_MS: '0' };
  const error: unknown = await createGateway(root, { variables: { ...defaults, ...variables }, logs }).then(
    (app) => app.close(),
    (reason: unknown) => reason,
  );
  return { error, lines };
}

class TenantGate implements Gate {
  check(): void {}
}

@Injectable({ scope: Scope.REQUEST })
class RequestGate implements Gate {
  check(): void {}
}

describe('an application that makes no gateway', () => {
  it.each([
    ['without GatewayModule', moduleOf({}), 'its root module must import GatewayModule.forRoot()'],
    ['with GatewayModule without forRoot', moduleOf({ imports: [GatewayModule] }), 'has no options'],
    [
      'with GatewayModule.forRoot in two modules',
      moduleOf({
        imports: [GatewayModule.forRoot(), moduleOf({ imports: [GatewayModule.forRoot({ port: 0 })] })],
      }),
      'is imported twice',
    ],
    [
      'with GatewayModule.forRoot, and plainly in a module',
      moduleOf({ imports: [GatewayModule.forRoot(), moduleOf({ imports: [GatewayModule] })] }),
      'is imported twice',
    ],
  ])('%s is an error before any connection', async (_name, root, message) => {
    let connections = 0;
    await using redis = await startService(() => {});
    redis.server.on('connection', () => connections++);

    const { error } = await fail(root, { REDIS_URL: redis.url.replace('http', 'redis') });

    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error).toMatchObject({ message: expect.stringContaining(message) });
    expect(connections).toBe(0);
  });
});

describe('an error of the configuration', () => {
  it.each([
    ['a setting', gatewayWith({}), { MAX_RETRIES: 'many' }, 'MAX_RETRIES is "many"'],
    ['a host', gatewayWith({ host: 'a b' }), {}, 'billing, host: "a b" is no host'],
    [
      'a proxy option',
      gatewayWith({ proxy: { ws: true } as object }),
      {},
      'billing cannot have the proxy option ws; the gateway has a route with `websocket`',
    ],
    [
      'a gate that no module provides',
      gatewayWith({ gates: [TenantGate] }),
      {},
      'billing: the gate TenantGate is no provider; add it to the providers of a module',
    ],
    [
      'a gate of one request',
      moduleOf({
        imports: [GatewayModule.forRoot({ gates: [RequestGate] })],
        providers: [RequestGate],
      }),
      {},
      'the application: the gate RequestGate has another scope than the default one',
    ],
    [
      'a gate of the application that no module provides',
      moduleOf({ imports: [GatewayModule.forRoot({ gates: [TenantGate] })] }),
      {},
      'the application: the gate TenantGate is no provider; add it to the providers of a module',
    ],
    [
      'the proxy of an upstream that nobody declares',
      moduleOf({ imports: [GatewayModule.forRoot(), ProxyModule.forFeature('typo')] }),
      {},
      'ProxyModule.forFeature() names typo, and no upstream has that name',
    ],
    [
      'an upstream without an instance',
      gatewayWith({ name: 'big-data', instances: [] }),
      {},
      'big-data has no instance: set BIG_DATA_SERVICE_URL, or instances of its @Upstream()',
    ],
    [
      'TLS settings of an upstream that is left out',
      gatewayWith({ isOptional: true, instances: [] }),
      { BILLING_SERVICE_TLS_SERVER_NAME: 'billing' },
      'billing has TLS settings, and no instance',
    ],
    [
      'a name',
      gatewayWith({ name: '1billing' }),
      {},
      "An upstream's name begins with a lower case letter, and has lower case letters, digits and single dashes: 1billing",
    ],
  ])('names %s', async (_name, root, variables, message) => {
    const { error, lines } = await fail(root, variables);

    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error).toMatchObject({ message: expect.stringContaining(message) });
    expect(lines).not.toContainEqual(expect.objectContaining({ context: 'ExceptionHandler' }));
  });
});

describe('a boot that fails before the settings are known', () => {
  it('writes the lines until then, and later ones', async () => {
    const logger = new Logger('Vault');
    const useFactory = (): never => {
      logger.debug('below the level');
      logger.log('asks the vault');
      logger.error('the vault is sealed');
      throw new Error('no options');
    };

    const { error, lines } = await fail(moduleOf({ imports: [GatewayModule.forRootAsync({ useFactory })] }));
    logger.log('gives up');

    expect(error).toMatchObject({ message: 'no options' });
    expect(lines.map(({ level, message }) => `${String(level)} ${String(message)}`)).toEqual([
      'error the vault is sealed',
      'error no options',
      'info asks the vault',
      'info gives up',
    ]);
    const [urgent, , kept] = lines.map(({ timestamp }) => Date.parse(String(timestamp)));
    expect(kept).toBeLessThanOrEqual(urgent!);
  });
});
