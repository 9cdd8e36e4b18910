import { SettingsConfigurationError, loadSettings } from '@app/gateway/internal';
import { JWT_SECRET } from './jwt-secret.js';

/** The message of the `SettingsConfigurationError` for these variables; empty if they have no fault. */
export function faultsOf(variables: Readonly<Record<string, string | undefined>>): string {
  try {
    loadSettings({ JWT_SECRET, ...variables });
  } catch (error) {
    if (error instanceof SettingsConfigurationError) return error.message;
    throw error;
  }
  return '';
}
