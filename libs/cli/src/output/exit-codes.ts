/** The exit codes of every command. */
export const EXIT = {
  /** All is well. */
  success: 0,
  /** The doctor has findings, or the gateway would refuse the request. */
  findings: 1,
  /** Wrong usage, or something that cannot be read. */
  usage: 2,
  /** The settings, routes or upstreams are wrong: `EX_CONFIG` of sysexits.h. */
  configuration: 78,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
