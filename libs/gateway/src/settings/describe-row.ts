import type { Entry, Family, Setting } from './setting.js';

/** A row in words, for people. */
export interface RowDescription {
  /** Its variable, or where it has none its name in code. */
  readonly name: string;
  /** Its default, with the marks of Markdown if it is words and no value. */
  readonly default: string;
  readonly meaning: string;
}

export function describeRow({ path, row }: Entry): RowDescription {
  return {
    name: row.variable ?? path,
    default: row.defaultText ?? (row.kind === 'family' ? 'none' : defaultOf(row)),
    meaning: row.meaning,
  };
}

function defaultOf(row: Setting<unknown>): string {
  if (row.isRequired) return 'none, it must be set';
  const text = row.default === undefined ? '' : row.format(row.default);
  return text === '' ? 'none' : `\`${text}\``;
}

export function isSecret(row: Setting<unknown> | Family<unknown>): boolean {
  return row.kind === 'setting' && row.isSecret;
}
