import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { SETTINGS, type Settings } from './complete-settings.js';

/** Provides the settings to every module, and the providers that were made before the application. */
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
