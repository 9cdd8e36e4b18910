/**
 * The application cannot start as it is configured: by its settings, its decorators or its modules. The message suffices to
 * correct it, and contains no secret.
 */
export abstract class ConfigurationError extends Error {
  abstract override readonly name: string;
}
