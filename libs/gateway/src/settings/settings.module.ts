import { Module, type DynamicModule } from '@nestjs/common';
import { SETTINGS, type Settings } from './complete-settings.js';

/** Gives the frozen configuration to every module. */
@Module({})
export class SettingsModule {
  static forRoot(config: Settings): DynamicModule {
    return {
      module: SettingsModule,
      global: true,
      providers: [{ provide: SETTINGS, useValue: config }],
      exports: [SETTINGS],
    };
  }
}
