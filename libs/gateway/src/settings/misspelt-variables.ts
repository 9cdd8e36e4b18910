import leven, { closestMatch } from 'leven';
import { entriesOf, type Family, type Table } from './setting.js';
import { TABLE } from './settings.js';
import type { Variables } from './variables.js';

/** A variable that the gateway does not read, and the name that its author probably meant. */
export interface MisspeltVariable {
  readonly variable: string;
  readonly nearest: string;
}

/** Shorter names resemble too many others: HOME is not a misspelt HOST. */
const LEAST_LENGTH = 6;

/** Names resemble each other with one wrong character for each six, and three at most, such as a forgotten `_MS`. */
const CHARACTERS_PER_FAULT = 6;
const MOST_FAULTS = 3;

/** Finds variables that no setting reads and whose names resemble one. Their values have no effect. */
export function misspeltVariables(
  variables: Variables = process.env,
  table: Table = TABLE,
): readonly MisspeltVariable[] {
  const rows = entriesOf(table).map(({ row }) => row);
  const families = rows.filter((row) => row.kind === 'family');
  const known = rows.flatMap((row): string[] => {
    if (row.kind === 'family' || row.variable === undefined) return [];
    return row.isSecret ? [row.variable, `${row.variable}_FILE`] : [row.variable];
  });
  const isRead = (name: string): boolean =>
    known.includes(name) || families.some(({ pattern }) => pattern.test(name));
  return Object.keys(variables).flatMap((variable) => {
    if (variable.length < LEAST_LENGTH || !variables[variable] || isRead(variable)) return [];
    const name = variable.toUpperCase();
    const nearest = nearestOf(name, known) ?? nearestInFamilies(name, families);
    return nearest === undefined ? [] : [{ variable, nearest }];
  });
}

function nearestOf(name: string, known: readonly string[]): string | undefined {
  const nearest = closestMatch(name, known, { maxDistance: MOST_FAULTS });
  return nearest !== undefined && resembles(name, nearest) ? nearest : undefined;
}

function resembles(name: string, known: string): boolean {
  const faults = leven(name, known);
  return faults <= MOST_FAULTS && faults * CHARACTERS_PER_FAULT <= Math.max(name.length, known.length);
}

/** Compares the part of a name that is the same in its whole family, such as `SERVICE_URL` of `<NAME>_SERVICE_URL`. */
function nearestInFamilies(name: string, families: readonly Family<unknown>[]): string | undefined {
  return families.flatMap((family) => candidatesIn(family, name)).toSorted((a, b) => a.faults - b.faults)[0]
    ?.nearest;
}

/** Takes each underscore in turn as the border between `<NAME>` and the fixed part. */
function candidatesIn({ variable, pattern }: Family<unknown>, name: string) {
  const words = name.split('_');
  const fixed = variable.replace(/^<NAME>_|_<NAME>$/, '');
  return words.slice(1).flatMap((_, index) => {
    const [first, last] = [words.slice(0, index + 1).join('_'), words.slice(index + 1).join('_')];
    const [part, nearest] = variable.startsWith('<NAME>')
      ? [last, `${first}_${fixed}`]
      : [first, `${fixed}_${last}`];
    return resembles(part, fixed) && pattern.test(nearest) ? [{ nearest, faults: leven(part, fixed) }] : [];
  });
}
