import type { GatewaySettings } from '@app/gateway';
import type { describeRow, entriesOf, Variables } from '@app/gateway/internal';

type Entry = ReturnType<typeof entriesOf>[number] & { readonly description: ReturnType<typeof describeRow> };

/** A setting as it is in effect. */
export interface SettingRow {
  /** Its variable, or its name in code if it has no variable. */
  readonly name: string;
  /** `(hidden)` for a secret, empty if it is not set. */
  readonly value: string;
  readonly from: 'environment' | 'file' | 'code' | 'default';
  readonly default: string;
}

export interface SettingSources {
  /** The settings in effect. */
  readonly settings: object;
  /** Those of code, for the environment. */
  readonly given: GatewaySettings;
  readonly variables: Variables;
}

const HIDDEN = '(hidden)';

/** User and password in an address. */
const PASSWORDS = /\/\/[^@/,]{1,1000}@/g;

/** All settings with their values and where these come from. */
export function toSettingRows(entries: readonly Entry[], sources: SettingSources): SettingRow[] {
  return entries.flatMap((entry) =>
    entry.row.kind === 'family' ? familyRows(entry, sources) : [settingRow(entry, sources)],
  );
}

function settingRow(
  { path, row, description }: Entry,
  { settings, given, variables }: SettingSources,
): SettingRow {
  const isSecret = row.kind === 'setting' && row.isSecret;
  const value = valueAt(settings, path);
  return {
    name: description.name,
    value: value === undefined ? '' : isSecret ? HIDDEN : hidePasswords(row.format(value)),
    from: sourceOf(row.variable, path, { given, variables }),
    default: description.default.replaceAll('`', ''),
  };
}

/** A row for each variable of the family that is set, and each value of code; one without a value if there is none. */
function familyRows({ path, row, description }: Entry, { given, variables }: SettingSources): SettingRow[] {
  if (row.kind !== 'family') return [];
  const own = description.default.replaceAll('`', '');
  const fromCode = Object.entries(valueAt(given, path) ?? {}).map(([key, value]): SettingRow => {
    return { name: `${path}.${key}`, value: hidePasswords(row.format(value)), from: 'code', default: own };
  });
  const fromVariables = Object.entries(variables).flatMap(([name, text]): SettingRow[] => {
    if (!row.pattern.test(name) || !text?.trim()) return [];
    return [{ name, value: hidePasswords(text.trim()), from: 'environment', default: own }];
  });
  const rows = [...fromCode, ...fromVariables];
  return rows.length > 0 ? rows : [{ name: description.name, value: '', from: 'default', default: own }];
}

function sourceOf(
  variable: string | undefined,
  path: string,
  { given, variables }: Pick<SettingSources, 'given' | 'variables'>,
): SettingRow['from'] {
  if (variable !== undefined && variables[variable]?.trim()) return 'environment';
  if (variable !== undefined && variables[`${variable}_FILE`]) return 'file';
  return valueAt(given, path) === undefined ? 'default' : 'code';
}

function valueAt(settings: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => {
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  }, settings);
}

function hidePasswords(text: string): string {
  return text.replaceAll(PASSWORDS, `//${HIDDEN}@`);
}
