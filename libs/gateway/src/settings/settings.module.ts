import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { SETTINGS, type Settings } from './complete-settings.js';

/** Gives the frozen settings, and what was made from them before the application, to every module. */
@Module({})
export class SettingsModule {
  static forRoot(settings: Settings, made: Provider[] = []): DynamicModule {
    const providers = [{ provide: SETTINGS, useValue: settings }, ...made];
    return {
      module: SettingsModule,
      global: true,
      providers,
      exports: providers,
    };
  }
}
