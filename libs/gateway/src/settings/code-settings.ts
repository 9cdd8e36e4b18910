import type { ConfigurationFault } from './configuration.error.js';
import { isRow, type Family, type Table } from './setting.js';

type Values = Readonly<Record<string, unknown>>;

/** Whether a value may be a group of settings. */
export const isGroup = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function fault(name: string, message: string, expected: string): ConfigurationFault {
  return { variables: [name], message: `${name} ${message}`, expected };
}

/** The faults of settings from code: names that no setting has, groups that are no objects, values that a setting does not take. */
export function faultsOfCode(table: Table, given: unknown, prefix = ''): ConfigurationFault[] {
  if (!isGroup(given)) {
    const group = prefix === '' ? 'the options' : prefix.slice(0, -1);
    return [fault(group, 'must be an object of settings', 'an object of settings')];
  }
  return Object.entries(given).flatMap(([name, value]) => {
    const path = prefix + name;
    const part = Object.hasOwn(table, name) ? table[name] : undefined;
    if (part === undefined) return [fault(path, 'is not a setting', 'the name of a setting')];
    if (value === undefined) return [];
    if (!isRow(part)) return faultsOfCode(part, value, `${path}.`);
    if (part.kind === 'family') return faultsOfFamily(part, value, path);
    if (part.schema.safeParse(value).success) return [];
    return [fault(path, `has a value that it does not take; it takes ${part.takes}`, part.takes)];
  });
}

function faultsOfFamily(family: Family<unknown>, given: unknown, path: string): ConfigurationFault[] {
  if (!isGroup(given)) return [fault(path, 'must be an object, with a value for each name', 'an object')];
  const names = Object.keys(given);
  return names.flatMap((name, index) => {
    const key = family.keyOfGiven(name);
    if (key === undefined) return [fault(`${path}.${name}`, `is not ${family.names}`, family.names)];
    const other = names.slice(0, index).find((each) => family.keyOfGiven(each) === key);
    if (other !== undefined)
      return [fault(`${path}.${name}`, `and ${path}.${other} are the same`, 'one of them')];
    if (given[name] === undefined || family.schema.safeParse(given[name]).success) return [];
    return [
      fault(`${path}.${name}`, `has a value that it does not take; it takes ${family.takes}`, family.takes),
    ];
  });
}

/**
 * Merges settings from code: values of the second replace those of the first, but undefined ones. The keys of families become those
 * of the settings. What has a fault stays as it is, for `faultsOfCode`.
 */
export function mergeCode(table: Table, first: Values, second: Values): Values {
  const all: Record<string, unknown> = {};
  for (const name of new Set([...Object.keys(first), ...Object.keys(second)])) {
    const [own, other] = [first[name], second[name]];
    const part = Object.hasOwn(table, name) ? table[name] : undefined;
    const isSingle = part === undefined || (isRow(part) && part.kind === 'setting');
    if (isSingle || !isGroup(own ?? {}) || !isGroup(other ?? {})) all[name] = other ?? own;
    else if (isRow(part)) all[name] = mergeFamily(part, own as Values, other as Values);
    else all[name] = mergeCode(part, (own ?? {}) as Values, (other ?? {}) as Values);
  }
  return all;
}

function mergeFamily({ keyOfGiven }: Family<unknown>, first: Values = {}, second: Values = {}): Values {
  const all = new Map<string, unknown>();
  for (const [name, value] of [...Object.entries(first), ...Object.entries(second)]) {
    if (value !== undefined) all.set(keyOfGiven(name) ?? name, value);
  }
  return Object.fromEntries(all);
}
