/** Where something is said. Without a line: a default that no file states. */
export interface Place {
  readonly file: string;
  readonly line?: number | undefined;
}

/** A value with the words that a reader finds at its place. */
export interface Said<Value = unknown> {
  readonly value: Value;
  readonly says: string;
  readonly at: Place;
}

/** As editors and terminals open it. */
export function describePlace({ file, line }: Place): string {
  return line === undefined ? file : `${file}:${line}`;
}
