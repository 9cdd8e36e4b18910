import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { GATEWAY_CONFIG, type GatewayConfig } from './gateway-config.js';

/** Gives the frozen configuration, and what was made from it before the application, to every module. */
@Module({})
export class ConfigModule {
  static forRoot(config: GatewayConfig, made: Provider[] = []): DynamicModule {
    const providers = [{ provide: GATEWAY_CONFIG, useValue: config }, ...made];
    return {
      module: ConfigModule,
      global: true,
      providers,
      exports: providers,
    };
  }
}
