/** Why the gateway will not start. */
export interface ConfigurationFault {
  /** Whose values it is about: the first is the one to change, if only one is. */
  readonly variables: readonly [string, ...string[]];
  /** What is wrong, without any secret. */
  readonly message: string;
  /** What would be right. */
  readonly expected: string;
}

/** A configuration that the gateway will not start with; its message has a line for every fault. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';

  constructor(readonly faults: readonly ConfigurationFault[]) {
    super(textOf(faults.map(({ message }) => message)));
  }
}

function textOf(messages: readonly string[]): string {
  if (messages.length === 1) return `The gateway cannot start: ${messages[0]}`;
  return `The gateway cannot start with this configuration:\n${messages.map((each) => `  - ${each}`).join('\n')}`;
}
