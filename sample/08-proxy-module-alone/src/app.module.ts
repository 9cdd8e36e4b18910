import { InjectProxy, ProxyModule, Upstream } from '@secureconnect/gateway/proxy';
import { Controller, Get, Module, type MiddlewareConsumer, type NestModule } from '@nestjs/common';
import type { RequestHandler } from 'http-proxy-middleware';

/** It has no routes: its proxy is mounted. Retries, health checks and the circuit breaker are those of the gateway. */
@Upstream({ name: 'catalog', instances: ['http://127.0.0.1:4108'], routes: [] })
class CatalogUpstream {}

@Controller('about')
class AboutController {
  @Get()
  read(): { readonly name: string } {
    return { name: 'an application that exists' };
  }
}

@Module({
  imports: [ProxyModule.forRoot({}), ProxyModule.forFeature('catalog')],
  controllers: [AboutController],
  providers: [CatalogUpstream],
})
export class AppModule implements NestModule {
  constructor(@InjectProxy('catalog') private readonly catalog: RequestHandler) {}

  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(this.catalog).forRoutes('/catalog');
  }
}
