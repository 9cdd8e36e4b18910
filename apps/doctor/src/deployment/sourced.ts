/** Where something is said. Without a line: a default that no file states. */
export interface SourceLocation {
  readonly file: string;
  readonly line?: number | undefined;
}

/** A value with the words that a reader finds at its place. */
export interface Sourced<Value = unknown> {
  readonly value: Value;
  readonly text: string;
  readonly at: SourceLocation;
}

/** As editors and terminals open it. */
export function describeLocation({ file, line }: SourceLocation): string {
  return line === undefined ? file : `${file}:${line}`;
}
