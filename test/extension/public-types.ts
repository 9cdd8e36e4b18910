// Checked by `npm run typecheck`, and not run: an expected error that is none is an error itself.
import { GatewayModule, Upstream, type Exchange, type Gate, type RouteOptions } from '@app/gateway';
import { AuthModule } from '@app/auth';
import { ProxyModule } from '@app/proxy';
import { Injectable } from '@nestjs/common';

/* RouteOptions */

export const routes: RouteOptions[] = [
  { methods: ['GET'], path: '/orders/:id' },
  { methods: ['*'], path: '/files/{*rest}', auth: 'none', strip: '/files' },
  { methods: ['GET'], path: '/socket', websocket: {} },
  { methods: ['POST'], path: '/orders', limit: { name: 'ORDERS', perMinute: 30 } },
  // @ts-expect-error a path is required
  { methods: ['GET'] },
  // @ts-expect-error methods are required
  { path: '/orders' },
  // @ts-expect-error methods are in capitals
  { methods: ['get'], path: '/orders' },
  // @ts-expect-error CONNECT is never forwarded
  { methods: ['CONNECT'], path: '/orders' },
  // @ts-expect-error a misspelt choice would open the route
  { methods: ['GET'], path: '/orders', auth: 'nobody' },
  // @ts-expect-error a limit has a name
  { methods: ['GET'], path: '/orders', limit: { perMinute: 30 } },
  // @ts-expect-error an unknown option
  { methods: ['GET'], path: '/orders', timeout: 1 },
];

/* Gate */

@Injectable()
export class AsyncGate implements Gate {
  async check(exchange: Exchange): Promise<void> {
    exchange.requestHeaders.set('X-Order', exchange.parameter('id') ?? '');
    exchange.responseHeaders.push('X-Client', exchange.clientAddress, exchange.principal?.userId ?? '');
    // @ts-expect-error what the client sent cannot be exchanged for another request
    exchange.request = undefined;
  }

  onResponse(_exchange: Exchange, _status: number): void {}
}

export class AnsweringGate implements Gate {
  // @ts-expect-error a gate refuses by an exception, not by a result
  check(): boolean {
    return false;
  }
}

/* Upstream */

@Upstream({ name: 'orders', instances: ['http://orders:8080'], routes, gates: [AsyncGate] })
export class Orders {}

// @ts-expect-error routes are required
@Upstream({ name: 'orders' })
export class WithoutRoutes {}

// @ts-expect-error gates are classes, which Nest creates
@Upstream({ name: 'orders', routes, gates: [new AsyncGate()] })
export class WithInstances {}

/* forRoot */

export const modules = [
  GatewayModule.forRoot(),
  GatewayModule.forRoot({
    port: 1,
    proxy: { requestTimeoutMs: 1, retries: { maxRetries: 0 } },
    isGlobal: true,
  }),
  GatewayModule.forRootAsync({ useFactory: async () => ({ port: 1 }) }),
  ProxyModule.forRoot({}),
  ProxyModule.forRoot({ health: { ejectionMs: 1 }, gates: [new AsyncGate()] }),
  ProxyModule.forRootAsync({ useFactory: () => ({}) }),
  AuthModule.forRoot({ secret: '', claims: { userId: 'uid' } }),
  // @ts-expect-error a port is a number
  GatewayModule.forRoot({ port: '1' }),
  // @ts-expect-error an unknown setting
  GatewayModule.forRoot({ prot: 1 }),
  // @ts-expect-error an unknown option
  ProxyModule.forRoot({ timeout: 1 }),
  // @ts-expect-error a secret is required
  AuthModule.forRoot({}),
];
