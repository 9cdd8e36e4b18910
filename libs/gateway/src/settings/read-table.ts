import { readFileSync } from 'node:fs';
import type { ConfigurationFault } from './configuration.error.js';
import { entriesOf, isRow, type Entry, type Family, type Setting, type Table } from './setting.js';
import type { Variables } from './variables.js';

/** User and password in an address. */
const PASSWORDS = /\/\/[^@/,]*@/g;

type Values = Record<string, unknown>;

export interface ReadTable {
  /** In the shape of the table. */
  readonly settings: Values;
  /** By variable. */
  readonly values: Readonly<Values>;
  readonly faults: readonly ConfigurationFault[];
}

/**
 * Reads all settings of a table. A variable wins over code; an empty variable counts as not set.
 *
 * @param given settings from code, without faults
 */
export function readTable(table: Table, variables: Variables, given: object): ReadTable {
  const reader = new TableReader(variables);
  const settings = reader.readGroup(table, withoutReplaced(table, variables, given as Values), '');
  const { values } = reader;
  const faults = [
    ...formerNameFaults(table, variables),
    ...reader.faults,
    ...orderFaults(table, values),
    ...exclusionFaults(table, variables, values),
  ];
  return { settings, values, faults };
}

class TableReader {
  readonly faults: ConfigurationFault[] = [];
  readonly values: Values = {};

  constructor(private readonly variables: Variables) {}

  readGroup(table: Table, given: Values, prefix: string): Values {
    return Object.fromEntries(
      Object.entries(table).map(([name, part]) => {
        const own = given[name];
        if (!isRow(part)) return [name, this.readGroup(part, (own ?? {}) as Values, `${prefix}${name}.`)];
        return [
          name,
          part.kind === 'family'
            ? this.readFamily(part, (own ?? {}) as Values)
            : this.readSetting(part, own, prefix + name),
        ];
      }),
    );
  }

  private readSetting(row: Setting<unknown>, own: unknown, path: string): unknown {
    const { variable } = row;
    const faults = this.faults.length;
    const text = variable === undefined ? undefined : this.textOf(row, variable);
    if (this.faults.length > faults) return undefined;
    let value = row.default;
    if (text !== undefined) value = this.parse(row, variable!, text);
    else if (own !== undefined) value = row.schema.parse(own);
    else if (row.isRequired) this.reject(row, variable ?? path, 'is not set');
    if (variable !== undefined) this.values[variable] = value;
    return value;
  }

  private readFamily(row: Family<unknown>, own: Values): ReadonlyMap<string, unknown> {
    const values = new Map<string, unknown>();
    for (const [key, value] of Object.entries(own)) {
      values.set(key, row.schema.parse(value));
    }
    for (const [name, given] of Object.entries(this.variables)) {
      const found = row.pattern.exec(name)?.[1];
      const text = given?.trim();
      if (found !== undefined && text) values.set(row.keyOf(found), this.parse(row, name, text));
    }
    return values;
  }

  private textOf({ isSecret }: Setting<unknown>, name: string): string | undefined {
    if (!isSecret) return this.variables[name]?.trim() || undefined;
    const [text, file] = [this.variables[name] || undefined, this.variables[`${name}_FILE`] || undefined];
    if (file === undefined) return text;
    if (text !== undefined) {
      const message = `${name} and ${name}_FILE are both set; set only one of them`;
      this.faults.push({ variables: [name, `${name}_FILE`], message, expected: 'one of the two' });
      return undefined;
    }
    try {
      return readFileSync(file, 'utf8').trim();
    } catch (error) {
      const message = `${name}_FILE names a file that cannot be read: ${(error as Error).message}`;
      this.fault(`${name}_FILE`, message, 'a file that can be read');
      return undefined;
    }
  }

  private parse(row: Entry['row'], name: string, text: string): unknown {
    const isSecret = row.kind === 'setting' && row.isSecret;
    const shown = isSecret
      ? `has ${text.length} characters`
      : `is "${text.replace(PASSWORDS, '//[hidden]@')}"`;
    return this.validate(row, name, row.parse(text), shown);
  }

  private validate(row: Entry['row'], name: string, value: unknown, problem: string): unknown {
    const parsed = row.schema.safeParse(value);
    if (parsed.success) return parsed.data;
    this.reject(row, name, problem);
    return undefined;
  }

  private reject({ takes }: Entry['row'], name: string, problem: string): void {
    this.fault(name, `${name} ${problem}; it takes ${takes}`, takes);
  }

  private fault(name: string, message: string, expected: string): void {
    this.faults.push({ variables: [name], message, expected });
  }
}

function settingsOf(table: Table): Setting<unknown>[] {
  return entriesOf(table).flatMap(({ row }) => (row.kind === 'setting' ? [row] : []));
}

/** A former name is a fault: otherwise its value would silently lose its effect. */
function formerNameFaults(table: Table, variables: Variables): ConfigurationFault[] {
  return settingsOf(table).flatMap(({ former, variable }) => {
    if (former === undefined || !variables[former]) return [];
    return [
      {
        variables: [former] as const,
        message: `${former} is now called ${variable}`,
        expected: String(variable),
      },
    ];
  });
}

function orderFaults(table: Table, values: Readonly<Values>): ConfigurationFault[] {
  return settingsOf(table).flatMap(({ variable: inner, below: outer }) => {
    if (inner === undefined || outer === undefined || !(Number(values[inner]) >= Number(values[outer])))
      return [];
    const message = `${inner} (${String(values[inner])}) must be less than ${outer} (${String(values[outer])})`;
    return [{ variables: [inner, outer] as const, message, expected: `${inner} less than ${outer}` }];
  });
}

/** The settings from code without those that a variable excludes: `REDIS_URL` replaces host and password too. */
function withoutReplaced(table: Table, variables: Variables, given: Values): Values {
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) => {
      const part = table[name]!;
      if (!isRow(part)) return [[name, withoutReplaced(part, variables, value as Values)]];
      const excludes = part.kind === 'setting' ? part.excludes : undefined;
      return excludes !== undefined && isSet(excludes, variables) ? [] : [[name, value]];
    }),
  );
}

/** Two settings of one meaning, whether a variable or the code has set them. */
function exclusionFaults(table: Table, variables: Variables, values: Readonly<Values>): ConfigurationFault[] {
  const entries = entriesOf(table);
  return entries.flatMap(({ path, row }) => {
    if (row.kind === 'family' || row.variable === undefined || row.excludes === undefined) return [];
    const excluded = entries.find((each) => each.row.variable === row.excludes)!;
    if (values[row.variable] === undefined || values[row.excludes] === undefined) return [];
    const [first, second] = [excluded, { path, row }].map((each) =>
      isSet(each.row.variable!, variables) ? each.row.variable! : `${each.path} in code`,
    );
    const message = `${first} and ${second} are both set; set only one of them`;
    return [{ variables: [row.excludes, row.variable] as const, message, expected: `${row.excludes} alone` }];
  });
}

function isSet(name: string, variables: Variables): boolean {
  return Boolean(variables[name] || variables[`${name}_FILE`]);
}
