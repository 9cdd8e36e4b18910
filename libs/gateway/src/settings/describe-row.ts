import type { Entry, Family, Setting } from './setting.js';

/** A row of the table in words. */
export interface RowDescription {
  /** Its variable, or its name in code if it has no variable. */
  readonly name: string;
  /** In Markdown: a value is marked as code, words are not. */
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
