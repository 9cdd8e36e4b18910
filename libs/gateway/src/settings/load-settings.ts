import { completeSettings, toTlsOptions, type Settings } from './complete-settings.js';
import { SettingsConfigurationError, type ConfigurationFault } from './configuration.error.js';
import { faultsOfCode, isGroup, mergeCode } from './code-settings.js';
import { readTable } from './read-table.js';
import { TABLE, type GatewaySettings, type ReadSettings, type VariableValues } from './settings.js';
import { tlsFaults } from './tls-faults.js';
import type { Variables } from './variables.js';

/** What an environment may set: all but its own name. */
const { environment: _name, ...OF_ENVIRONMENT } = TABLE;

/** Settings from code. A variable wins over them. */
export interface CodeSettings extends GatewaySettings {
  /** Settings for one value of `ENV`; they win over the settings beside them, and a variable wins over both. Default: none. */
  readonly environments?: Readonly<Record<string, Omit<GatewaySettings, 'environment'>>>;
}

export interface LoadOptions {
  /** Settings that replace defaults. Default: none. */
  readonly settings?: CodeSettings;
  /** Settings that replace those of code in every environment. Default: none. */
  readonly replacements?: GatewaySettings;
  /** Whether the TLS files must be on this machine and usable. Default: true. */
  readonly checksTlsFiles?: boolean;
}

/** Reads all settings. @throws SettingsConfigurationError with all faults at once */
export function loadSettings(variables: Variables = process.env, options: LoadOptions = {}): Settings {
  return loadWithValues(variables, options).settings;
}

/** Reads all settings, and gives each value by its variable too. @throws SettingsConfigurationError with all faults at once */
export function loadWithValues(
  variables: Variables,
  { settings: code = {}, replacements = {}, checksTlsFiles = true }: LoadOptions = {},
): { readonly settings: Settings; readonly values: VariableValues } {
  const codeFaults = [...faultsOfCodeSettings(code), ...faultsOfCode(TABLE, replacements)];
  const given = codeFaults.length > 0 ? {} : mergeCode(TABLE, codeFor(variables, code), replacements);
  const { settings, values, faults } = readTable(TABLE, variables, given);
  const read = settings as unknown as ReadSettings;
  const all = [...codeFaults, ...faults, ...tlsFaults(toTlsOptions(read.proxy.tls), checksTlsFiles)];
  if (all.length > 0) throw new SettingsConfigurationError(all);
  return { settings: deepFreeze(completeSettings(read)), values: values as unknown as VariableValues };
}

/** The settings of code for the environment that the variables name. */
export function codeFor(
  variables: Variables,
  { environments = {}, ...given }: CodeSettings,
): GatewaySettings {
  const environment = variables['ENV']?.trim() || given.environment || TABLE.environment.default!;
  return mergeCode(TABLE, given, Object.hasOwn(environments, environment) ? environments[environment]! : {});
}

/** The faults of all settings from code, those of other environments too. */
function faultsOfCodeSettings(code: CodeSettings): ConfigurationFault[] {
  if (!isGroup(code)) return faultsOfCode(TABLE, code);
  const { environments = {}, ...given } = code;
  if (!isGroup(environments)) return faultsOfCode(TABLE, environments, 'environments.');
  return [
    ...faultsOfCode(TABLE, given),
    ...Object.entries(environments).flatMap(([name, settings]) =>
      faultsOfCode(OF_ENVIRONMENT, settings, `environments.${name}.`),
    ),
  ];
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}
