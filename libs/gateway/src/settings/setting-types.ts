import { z } from 'zod';
import type { Format, Row, Setting } from './setting.js';

type NumberRow<Name extends string> = Row<Name> & {
  readonly default: number;
  readonly least?: number;
  readonly most?: number;
};

function number<Name extends string>(
  unit: string,
  { least = 1, most = Number.MAX_SAFE_INTEGER, ...row }: NumberRow<Name>,
): Setting<number, Name> {
  return {
    kind: 'setting',
    isRequired: false,
    isSecret: false,
    schema: z.number().int().min(least).max(most),
    parse: Number,
    format: String,
    takes: `${unit}, ${least} to ${most}`,
    bounds: [least, most],
    ...row,
  };
}

export const milliseconds = <Name extends string = never>(row: NumberRow<Name>): Setting<number, Name> =>
  number('milliseconds', { most: 86_400_000, ...row });

export const seconds = <Name extends string = never>(row: NumberRow<Name>): Setting<number, Name> =>
  number('seconds', { least: 0, ...row });

export const bytes = <Name extends string = never>(row: NumberRow<Name>): Setting<number, Name> =>
  number('bytes', { most: 2 ** 40, ...row });

export const count = <Name extends string = never>(row: NumberRow<Name>): Setting<number, Name> =>
  number('a whole number', { most: 100_000, ...row });

export const percent = <Name extends string = never>(row: NumberRow<Name>): Setting<number, Name> =>
  number('percent', { most: 100, ...row });

export const port = <Name extends string = never>(row: NumberRow<Name>): Setting<number, Name> =>
  number('a port', { least: 0, most: 65_535, ...row });

/** A ratio: 0 to 1 in code, percent in its variable, decimals allowed. */
export function ratio<Name extends string = never>({
  least = 1,
  ...row
}: NumberRow<Name>): Setting<number, Name> {
  return {
    ...number('percent', { most: 100, least, ...row }),
    schema: z
      .number()
      .min(least / 100)
      .max(1),
    isFractional: true,
    parse: (text) => Number(text) / 100,
    // Rounded, since 0.29 * 100 is 28.999999999999996.
    format: (value) => String(Number((value * 100).toFixed(6))),
    takes: `percent, ${least} to 100; in code ${least / 100} to 1`,
  };
}

export function flag<Name extends string = never>(
  row: Row<Name> & { readonly default: boolean },
): Setting<boolean, Name> {
  return {
    kind: 'setting',
    isRequired: false,
    isSecret: false,
    schema: z.boolean(),
    parse: (text) => ({ on: true, off: false })[text],
    format: (value) => (value ? 'on' : 'off'),
    takes: 'on or off',
    choices: ['on', 'off'],
    ...row,
  };
}

type TextRow<Name extends string> = Row<Name> & {
  readonly takes: string;
  readonly schema?: z.ZodType<string>;
  readonly choices?: readonly string[];
  readonly isSecret?: boolean;
};

function anyText<Name extends string>({
  schema = z.string().min(1),
  ...row
}: TextRow<Name>): Omit<Setting<string, Name>, 'default'> {
  return {
    kind: 'setting',
    isRequired: false,
    isSecret: false,
    schema,
    parse: (text) => text,
    format: String,
    ...row,
  };
}

export const text = <Name extends string = never>(
  row: TextRow<Name> & { readonly default: string },
): Setting<string, Name> => ({ ...anyText(row), default: row.default });

/** A text that must be set. */
export const requiredText = <Name extends string = never>(row: TextRow<Name>): Setting<string, Name> => ({
  ...anyText(row),
  default: undefined,
  isRequired: true,
});

export const optionalText = <Name extends string = never>(
  row: TextRow<Name>,
): Setting<string | undefined, Name> => ({ ...anyText(row), default: undefined });

/** A comma list. */
export function list<Name extends string = never>({
  isPart,
  least = 0,
  ...row
}: Row<Name> & {
  readonly takes: string;
  readonly isPart: (text: string) => boolean;
  readonly least?: number;
  readonly default: readonly string[];
}): Setting<readonly string[], Name> {
  return { kind: 'setting', isRequired: false, isSecret: false, ...listOf(isPart, least), ...row };
}

export function listOf(
  isPart: (text: string) => boolean,
  least: number,
): Omit<Format<readonly string[]>, 'takes'> {
  return {
    schema: z.array(z.string().refine(isPart)).min(least),
    parse: splitList,
    format: (value) => value.join(', '),
  };
}

export function splitList(joined: string): string[] {
  return joined
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
