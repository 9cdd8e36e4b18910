import leven, { closestMatch } from 'leven';
import { entriesOf, type Table } from './setting.js';
import { TABLE } from './settings.js';
import type { Variables } from './variables.js';

/** A variable that the gateway does not read, and the name that was probably meant. */
export interface MisspeltVariable {
  readonly variable: string;
  readonly nearest: string;
}

/** Shorter names resemble too many others: HOME is no misspelt HOST. */
const LEAST_LENGTH = 6;

/** Of so many characters one may be wrong, three at most: a unit that was forgotten, `_MS`. */
const CHARACTERS_PER_FAULT = 6;
const MOST_FAULTS = 3;

/** Variables that no setting has, and that resemble one which is not set: their value has no effect. */
export function misspeltVariables(
  variables: Variables = process.env,
  table: Table = TABLE,
): readonly MisspeltVariable[] {
  const rows = entriesOf(table).map(({ row }) => row);
  const known = rows.flatMap((row): string[] => {
    if (row.kind === 'family' || row.variable === undefined) return [];
    return row.isSecret ? [row.variable, `${row.variable}_FILE`] : [row.variable];
  });
  const isRead = (name: string): boolean =>
    known.includes(name) || rows.some((row) => row.kind === 'family' && row.pattern.test(name));
  return Object.keys(variables).flatMap((variable) => {
    if (variable.length < LEAST_LENGTH || !variables[variable] || isRead(variable)) return [];
    const nearest = nearestOf(variable.toUpperCase(), known);
    return nearest === undefined ? [] : [{ variable, nearest }];
  });
}

function nearestOf(name: string, known: readonly string[]): string | undefined {
  const nearest = closestMatch(name, known, { maxDistance: MOST_FAULTS });
  if (nearest === undefined) return undefined;
  const characters = Math.max(name.length, nearest.length);
  return leven(name, nearest) * CHARACTERS_PER_FAULT <= characters ? nearest : undefined;
}
