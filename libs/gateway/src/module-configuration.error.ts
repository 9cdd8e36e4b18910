import { ConfigurationError } from '@app/proxy';

/** The modules of an application do not make a gateway; the boot stops with it. */
export class ModuleConfigurationError extends ConfigurationError {
  override readonly name = 'ModuleConfigurationError';
}
