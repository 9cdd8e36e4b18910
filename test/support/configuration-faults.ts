import { ConfigurationError, loadSettings } from '@app/gateway';
import { JWT_SECRET } from './jwt-secret.js';

/** What the boot says of variables that it does not take; empty if it takes them. */
export function faultsOf(variables: Readonly<Record<string, string | undefined>>): string {
  try {
    loadSettings({ JWT_SECRET, ...variables });
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message;
    throw error;
  }
  return '';
}
