import type { z } from 'zod';

/** The part of a row that all types of settings share. */
export interface Row<Name extends string> {
  /** Default: none; then only code can set it. */
  readonly variable?: Name;
  /** The former name of the variable. It is a fault at boot. */
  readonly former?: string;
  /** Two plain sentences: the setting, and the effect of its limit or of a bad value. */
  readonly meaning: string;
  /** The variable of a setting that must be greater. Two equal timeouts would race. */
  readonly below?: string;
  /** The variable of a setting with the same meaning. Only one of the two may be set. */
  readonly excludes?: string;
  /** The default in words, if it depends on other settings. */
  readonly defaultText?: string;
}

/** Conversion of a text to a value and back. */
export interface Format<Value> {
  /** Checks a value from a variable or from code. */
  readonly schema: z.ZodType<Value>;
  /** Converts the text of a variable. The schema checks the result. */
  parse(text: string): unknown;
  format(value: Value): string;
  /** The accepted values in words, for faults and the page. */
  readonly takes: string;
  /** The least and the greatest value of a number, as the variable has it. */
  readonly bounds?: readonly [minimum: number, maximum: number];
  /** Whether a number may have decimals. Default: false. */
  readonly isFractional?: boolean;
  /** All possible texts, if there are few. */
  readonly choices?: readonly string[];
}

/** A row of the table. */
export interface Setting<Value, Name extends string = string> extends Row<Name>, Format<Value> {
  readonly kind: 'setting';
  readonly default: Value | undefined;
  /** Whether the gateway does not start without it. */
  readonly isRequired: boolean;
  /** Whether it may come from the file that `<NAME>_FILE` names. Faults never show a secret. */
  readonly isSecret: boolean;
}

/** A row for all variables of one pattern, each with its own key. */
export interface Family<Value> extends Format<Value> {
  readonly kind: 'family';
  /** `<NAME>_SERVICE_URL`: `<NAME>` is at the start or at the end. */
  readonly variable: string;
  /** Its first group is the key's part of the name. */
  readonly pattern: RegExp;
  keyOf(name: string): string;
  /** The key of a value that code gives under this name; undefined if the name cannot be one. */
  keyOfGiven(name: string): string | undefined;
  /** The names that code may give, in words. */
  readonly names: string;
  readonly meaning: string;
  readonly defaultText?: string;
}

/** Settings by their names in code, in groups. */
export interface Table {
  readonly [name: string]: Setting<unknown> | Family<unknown> | Table;
}

/** The type of the values of a table. */
export type ValuesOf<Part> =
  Part extends Setting<infer Value>
    ? Value
    : Part extends Family<infer Value>
      ? ReadonlyMap<string, Value>
      : { readonly [Name in keyof Part]: ValuesOf<Part[Name]> };

/** The type of the settings that code may give; all are optional. */
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
