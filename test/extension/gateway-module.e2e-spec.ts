import {
  createGateway,
  GatewayModule,
  listen,
  Upstream,
  type GatewayOptions,
  type GatewayOptionsFactory,
} from '@app/gateway';
import { gatewayOptionsOf } from '@app/gateway/internal';
import { Injectable, Module, type DynamicModule, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WebSocketGateway } from '@nestjs/websockets';
import { JWT_SECRET } from '../support/gateway.js';
import { startService } from '../support/service.js';

const NO_LOGS = { write: () => {} };
const VARIABLES = {
  JWT_SECRET,
  REDIS_URL: 'redis://127.0.0.1:9',
  HEALTH_CHECK_INTERVAL_MS: '0',
  SHUTDOWN_DELAY_MS: '0',
  DRAIN_TIMEOUT_MS: '0',
};

@Upstream({ name: 'shop', routes: [{ methods: ['GET'], path: '/items', auth: 'none' }] })
class ShopUpstream {}

@Upstream({ name: 'extra', isOptional: true, routes: [{ methods: ['GET'], path: '/extra', auth: 'none' }] })
class ExtraUpstream {}

function rootWith(gateway: DynamicModule): Type {
  @Module({ imports: [gateway], providers: [ShopUpstream, ExtraUpstream] })
  class RootModule {}
  return RootModule;
}

async function startShop(root: Type, variables: Readonly<Record<string, string>> = {}) {
  const app = await createGateway(root, { variables: { ...VARIABLES, ...variables }, logs: NO_LOGS });
  const { port } = await listen(app);
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: () => app.close() };
}

async function titleOf(url: string): Promise<string> {
  const { info } = (await (await fetch(`${url}/swagger`)).json()) as { info: { title: string } };
  return info.title;
}

const startItems = () => startService((request, response) => response.end(`items of ${request.url}`));

describe('GatewayModule', () => {
  it('needs no option, and no service of anybody else', async () => {
    await using service = await startItems();
    await using shop = await startShop(rootWith(GatewayModule.forRoot()), {
      PORT: '0',
      SHOP_SERVICE_URL: service.url,
    });

    expect(await (await fetch(`${shop.url}/items`)).text()).toBe('items of /items');
    expect((await fetch(`${shop.url}/extra`)).status).toBe(404);
    const health = (await (await fetch(`${shop.url}/health/ready`)).json()) as { details: object };
    expect(Object.keys(health.details)).not.toContainEqual(expect.stringContaining('extra'));
  });

  it('takes an optional upstream that has an instance', async () => {
    await using service = await startItems();
    await using shop = await startShop(rootWith(GatewayModule.forRoot({ port: 0 })), {
      SHOP_SERVICE_URL: service.url,
      EXTRA_SERVICE_URL: service.url,
    });

    expect(await (await fetch(`${shop.url}/extra`)).text()).toBe('items of /extra');
  });

  it('takes options from code, by environment, and prefers variables', async () => {
    await using service = await startItems();
    const root = rootWith(
      GatewayModule.forRoot({
        title: 'Shop',
        port: 1,
        proxy: { addresses: { shop: ['http://127.0.0.1:9'] } },
        environments: { test: { proxy: { addresses: { shop: [service.url] } } } },
      }),
    );
    await using shop = await startShop(root, { ENV: 'test', PORT: '0' });

    expect(await titleOf(shop.url)).toBe('Shop');
    expect(await (await fetch(`${shop.url}/items`)).text()).toBe('items of /items');
    expect(gatewayOptionsOf(root)).toMatchObject({ title: 'Shop', port: 1 });
  });

  it('lets who creates it replace options of every environment, and prefers variables', async () => {
    await using service = await startItems();
    const root = rootWith(
      GatewayModule.forRoot({ title: 'Shop', port: 1, environments: { test: { title: 'Test shop' } } }),
    );
    const app = await createGateway(root, {
      variables: { ...VARIABLES, ENV: 'test', SHOP_SERVICE_URL: service.url },
      settings: { title: 'Replaced', port: 0, proxy: { addresses: { shop: ['http://127.0.0.1:9'] } } },
      logs: NO_LOGS,
    });
    const { port } = await listen(app);
    await using _closed = { [Symbol.asyncDispose]: () => app.close() };

    expect(await titleOf(`http://127.0.0.1:${port}`)).toBe('Replaced');
    expect(await (await fetch(`http://127.0.0.1:${port}/items`)).text()).toBe('items of /items');
  });

  const options: GatewayOptions = {
    title: 'Later',
    port: 0,
    proxy: { addresses: { shop: ['http://127.0.0.1:9'] } },
  };

  @Injectable()
  class OptionsFactory implements GatewayOptionsFactory {
    createGatewayOptions = (): GatewayOptions => options;
  }

  @Module({ providers: [OptionsFactory], exports: [OptionsFactory] })
  class OptionsModule {}

  it.each([
    [
      'useFactory',
      GatewayModule.forRootAsync({
        imports: [OptionsModule],
        inject: [OptionsFactory],
        useFactory: async (factory: OptionsFactory) => factory.createGatewayOptions(),
      }),
    ],
    ['useClass', GatewayModule.forRootAsync({ useClass: OptionsFactory })],
    ['useExisting', GatewayModule.forRootAsync({ imports: [OptionsModule], useExisting: OptionsFactory })],
  ])('takes options later, by %s', async (_way, gateway) => {
    const root = rootWith(gateway);
    await using shop = await startShop(root);

    expect(await titleOf(shop.url)).toBe('Later');
    expect(gatewayOptionsOf(root)).toEqual({});
  });

  it('names each faulty option', async () => {
    const root = rootWith(GatewayModule.forRoot({ port: -1, proxy: { addresses: { shop: ['nonsense'] } } }));

    await expect(startShop(root)).rejects.toThrow(
      /port has a value.*\n.*proxy\.addresses\.shop has a value/s,
    );
  });

  it('warns of variables that resemble a setting', async () => {
    const lines: unknown[] = [];
    const app = await createGateway(rootWith(GatewayModule.forRoot()), {
      variables: { ...VARIABLES, SHOP_SERVICE_URL: 'http://127.0.0.1:9', CONECT_TIMEOUT_MS: '1000' },
      logs: { write: (line: string) => void lines.push(JSON.parse(line)) },
    });
    await app.close();

    expect(lines).toContainEqual(
      expect.objectContaining({ variable: 'CONECT_TIMEOUT_MS', nearest: 'CONNECT_TIMEOUT_MS' }),
    );
  });

  it('closes the application if it cannot be prepared', async () => {
    let closed = 0;
    @WebSocketGateway({ path: '/live' })
    class BrokenGateway {
      get handleConnection(): () => void {
        throw new Error('broken class');
      }

      onApplicationShutdown(): void {
        closed++;
      }
    }
    @Module({ imports: [GatewayModule.forRoot()], providers: [BrokenGateway] })
    class BrokenModule {}

    await expect(startShop(BrokenModule)).rejects.toThrow('broken class');
    expect(closed).toBe(1);
  });

  it('says what an upstream without an instance lacks', async () => {
    const root = rootWith(GatewayModule.forRoot({ port: 0 }));

    await expect(startShop(root)).rejects.toThrow('shop has no instance');
  });

  it('says that NestFactory.create cannot start it', async () => {
    const root = rootWith(GatewayModule.forRoot());

    await expect(NestFactory.create(root, { logger: false, abortOnError: false })).rejects.toThrow(
      'GatewayModule needs an application that runGateway() or createGateway() has created',
    );
  });
});
