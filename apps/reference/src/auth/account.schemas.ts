import { z } from 'zod';
import { isWellFormed } from '../well-formed.js';

const MAX_PASSWORD_CHARACTERS = 128;

export const Email = z.string().trim().toLowerCase().max(254).pipe(z.email());
export const Username = z
  .string()
  .regex(/^[\w.-]{3,32}$/, '3 to 32 letters, digits, dots, dashes or underscores');

/** A password to be checked. Invalid Unicode is refused: UTF-8 would turn different passwords into one. */
export const GivenPassword = z.string().max(MAX_PASSWORD_CHARACTERS).refine(isWellFormed, 'valid Unicode');

/** A new password. */
export const Password = GivenPassword.min(8);
