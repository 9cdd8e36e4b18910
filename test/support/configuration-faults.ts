import { ConfigurationError, loadSettings } from '@app/gateway/internal';
import { JWT_SECRET } from './jwt-secret.js';

/** The message of the `ConfigurationError` for these variables; empty if they have no fault. */
export function faultsOf(variables: Readonly<Record<string, string | undefined>>): string {
  try {
    loadSettings({ JWT_SECRET, ...variables });
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message;
    throw error;
  }
  return '';
}
