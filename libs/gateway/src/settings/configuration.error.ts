/** Why the gateway will not start. */
export interface ConfigurationFault {
  /** Whose values it is about: the first is the one to change, if only one is. */
  readonly variables: readonly [string, ...string[]];
  /** What is wrong, without any secret. */
  readonly message: string;
  /** What would be right. */
  readonly expected: string;
}

/** A configuration that the gateway will not start with; its message lists every fault. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';

  constructor(readonly faults: readonly ConfigurationFault[]) {
    super(
      `The gateway cannot start with this configuration:\n${faults.map(({ message }) => `  - ${message}`).join('\n')}`,
    );
  }
}
