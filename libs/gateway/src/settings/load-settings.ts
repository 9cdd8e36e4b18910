import { completeSettings, toTlsOptions, type Settings } from './complete-settings.js';
import { ConfigurationError } from './configuration.error.js';
import { readTable } from './read-table.js';
import { TABLE, type GivenSettings, type ReadSettings, type VariableValues } from './settings.js';
import { tlsFaults } from './tls-faults.js';
import type { Variables } from './variables.js';

export interface LoadOptions {
  /** Values that replace defaults. A variable wins. Default: none. */
  readonly settings?: GivenSettings;
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
  { settings: given = {}, checksTlsFiles = true }: LoadOptions = {},
): { readonly settings: Settings; readonly values: VariableValues } {
  const { settings, values, faults } = readTable(TABLE, variables, given);
  const read = settings as unknown as ReadSettings;
  const all = [...faults, ...tlsFaults(toTlsOptions(read.proxy.tls), checksTlsFiles)];
  if (all.length > 0) throw new ConfigurationError(all);
  return { settings: deepFreeze(completeSettings(read)), values: values as unknown as VariableValues };
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}
