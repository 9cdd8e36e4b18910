import type { z } from 'zod';

/** What the row of a setting says, whatever its type. */
export interface Row<Name extends string> {
  /** Its variable. Default: none, so that code alone sets it. */
  readonly variable?: Name;
  /** Its variable's former name, which ends the boot. */
  readonly former?: string;
  /** Two plain sentences: what it is, and what happens when it is passed or set badly. */
  readonly meaning: string;
  /** The variable of a setting that must be greater: two timeouts that end together race. */
  readonly below?: string;
  /** The variable of a setting that says the same, so that only one of the two may be set. */
  readonly excludes?: string;
  /** Where its default depends on others, the words for it. */
  readonly defaultText?: string;
}

/** How a text becomes a value, and a value a text. */
export interface Format<Value> {
  /** Of a value, wherever it comes from. */
  readonly schema: z.ZodType<Value>;
  /** Of a variable's text; the schema judges what comes out. */
  parse(text: string): unknown;
  format(value: Value): string;
  /** What a variable takes, as faults and the page say it. */
  readonly takes: string;
  /** Of numbers, as their variable has them. */
  readonly bounds?: readonly [minimum: number, maximum: number];
  /** All texts that there are, if they are few. */
  readonly choices?: readonly string[];
}

/** One row of the table. */
export interface Setting<Value, Name extends string = string> extends Row<Name>, Format<Value> {
  readonly kind: 'setting';
  readonly default: Value | undefined;
  /** Whether the gateway does not start without it. */
  readonly isRequired: boolean;
  /** Whether it may come from the file that `<NAME>_FILE` names, and is never repeated in a fault. */
  readonly isSecret: boolean;
}

/** A row for many variables of one pattern, each with a key of its own. */
export interface Family<Value> extends Format<Value> {
  readonly kind: 'family';
  /** As the page has it: `<NAME>_SERVICE_URL`. */
  readonly variable: string;
  /** Its first group is what stands for the key. */
  readonly pattern: RegExp;
  keyOf(name: string): string;
  readonly meaning: string;
  readonly defaultText?: string;
}

/** Settings by their name in code, in groups. */
export interface Table {
  readonly [name: string]: Setting<unknown> | Family<unknown> | Table;
}

/** The type of what a table's settings are. */
export type ValuesOf<Part> =
  Part extends Setting<infer Value>
    ? Value
    : Part extends Family<infer Value>
      ? ReadonlyMap<string, Value>
      : { readonly [Name in keyof Part]: ValuesOf<Part[Name]> };

/** What code may set: everything, and nothing must be. */
export type GivenOf<Part> =
  Part extends Setting<infer Value>
    ? Value
    : Part extends Family<infer Value>
      ? Readonly<Record<string, Value>>
      : { readonly [Name in keyof Part]?: GivenOf<Part[Name]> };

type RowsOf<Part> =
  Part extends Setting<infer _Value>
    ? Part
    : Part extends Family<infer _Value>
      ? never
      : { [Name in keyof Part]: RowsOf<Part[Name]> }[keyof Part];

/** The type of each value, by its variable. */
export type VariablesOf<Part> = {
  readonly [
    Each in RowsOf<Part> as Each extends { variable?: infer Name extends string } ? Name : never
  ]: ValuesOf<Each>;
};

export interface Entry {
  /** Its name in code: `proxy.retries.maxRetries`. */
  readonly path: string;
  readonly row: Setting<unknown> | Family<unknown>;
}

/** All rows of a table, in its order. */
export function entriesOf(table: Table, prefix = ''): Entry[] {
  return Object.entries(table).flatMap(([name, part]) =>
    isRow(part) ? [{ path: prefix + name, row: part }] : entriesOf(part, `${prefix}${name}.`),
  );
}

export function isRow(part: Table[string]): part is Entry['row'] {
  return typeof part.kind === 'string';
}
