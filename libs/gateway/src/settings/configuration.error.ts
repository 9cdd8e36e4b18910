import { ConfigurationError } from '@app/proxy';

/** One reason for which the gateway does not start. */
export interface ConfigurationFault {
  /** The variables with the wrong values. If only one is to change, it is the first. */
  readonly variables: readonly [string, ...string[]];
  /** Contains no secret. */
  readonly message: string;
  /** A right value, in words. */
  readonly expected: string;
}

/** The gateway does not start with this configuration. The message has a line for each fault. */
export class SettingsConfigurationError extends ConfigurationError {
  override readonly name = 'SettingsConfigurationError';

  constructor(readonly faults: readonly ConfigurationFault[]) {
    super(textOf(faults.map(({ message }) => message)));
  }
}

function textOf(messages: readonly string[]): string {
  if (messages.length === 1) return `The gateway cannot start: ${messages[0]}`;
  return `The gateway cannot start with this configuration:\n${messages.map((each) => `  - ${each}`).join('\n')}`;
}
