/** A place in a file. Without a line it is the whole file. */
export interface SourceLocation {
  readonly file: string;
  readonly line?: number | undefined;
}

/** A value, with its text and place in a file. */
export interface Sourced<Value = unknown> {
  readonly value: Value;
  readonly text: string;
  readonly at: SourceLocation;
}

/** `file:line`, which editors and terminals can open. */
export function describeLocation({ file, line }: SourceLocation): string {
  return line === undefined ? file : `${file}:${line}`;
}
