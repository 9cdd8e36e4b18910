import { ConfigurationError } from './routing/configuration.error.js';

/** An upstream that cannot be run as it is declared; the boot stops with it. */
export class UpstreamConfigurationError extends ConfigurationError {
  override readonly name = 'UpstreamConfigurationError';
}
