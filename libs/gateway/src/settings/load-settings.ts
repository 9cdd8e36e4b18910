import { completeSettings, toTlsOptions, type Settings } from './complete-settings.js';
import { ConfigurationError } from './configuration.error.js';
import { mergeSettings } from './merge-settings.js';
import { readTable } from './read-table.js';
import { TABLE, type GatewaySettings, type ReadSettings, type VariableValues } from './settings.js';
import { tlsFaults } from './tls-faults.js';
import type { Variables } from './variables.js';

/** Settings from code. A variable wins over them. */
export interface CodeSettings extends GatewaySettings {
  /** Settings that replace the others while `ENV` has the value that is their key. Default: none. */
  readonly environments?: Readonly<Record<string, GatewaySettings>>;
}

export interface LoadOptions {
  /** Settings that replace defaults. Default: none. */
  readonly settings?: CodeSettings;
  /** Settings that replace those of code, whatever the environment. Default: none. */
  readonly replacements?: GatewaySettings;
  /** Whether the TLS files must be on this machine and usable. Default: true. */
  readonly checksTlsFiles?: boolean;
}

/** Reads all settings. @throws ConfigurationError with all faults at once */
export function loadSettings(variables: Variables = process.env, options: LoadOptions = {}): Settings {
  return loadWithValues(variables, options).settings;
}

/** Reads all settings, and gives each value by its variable too. @throws ConfigurationError with all faults at once */
export function loadWithValues(
  variables: Variables,
  { settings: code = {}, replacements = {}, checksTlsFiles = true }: LoadOptions = {},
): { readonly settings: Settings; readonly values: VariableValues } {
  const { settings, values, faults } = readTable(
    TABLE,
    variables,
    mergeSettings(givenFor(variables, code), replacements),
  );
  const read = settings as unknown as ReadSettings;
  const all = [...faults, ...tlsFaults(toTlsOptions(read.proxy.tls), checksTlsFiles)];
  if (all.length > 0) throw new ConfigurationError(all);
  return { settings: deepFreeze(completeSettings(read)), values: values as unknown as VariableValues };
}

/** The settings of code for the environment that the variables name. */
function givenFor(variables: Variables, { environments = {}, ...given }: CodeSettings): GatewaySettings {
  const environment = variables['ENV']?.trim() || given.environment || TABLE.environment.default!;
  return Object.hasOwn(environments, environment) ? mergeSettings(given, environments[environment]!) : given;
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}
