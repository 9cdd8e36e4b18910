import { Module, type MiddlewareConsumer, type NestModule } from '@nestjs/common';
import { InjectProxy, ProxyModule, Upstream } from '@secureconnect/gateway/proxy';
import type { RequestHandler } from 'express';

export const ORDERS_URL = process.env.ORDERS_URL ?? 'http://127.0.0.1:4000';

@Upstream({ name: 'orders', instances: [ORDERS_URL], routes: [] })
class OrdersUpstream {}

/** An application that mounts the proxy of one upstream, and has no gateway. */
@Module({
  imports: [ProxyModule.forRoot({}), ProxyModule.forFeature('orders')],
  providers: [OrdersUpstream],
})
export class AppModule implements NestModule {
  constructor(@InjectProxy('orders') private readonly proxy: RequestHandler) {}

  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(this.proxy).forRoutes('/orders');
  }
}
