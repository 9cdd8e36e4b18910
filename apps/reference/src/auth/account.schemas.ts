import { z } from 'zod';
import { isWellFormed } from '../well-formed.js';

const MAX_PASSWORD_CHARACTERS = 128;

export const Email = z.string().trim().toLowerCase().max(254).pipe(z.email());
export const Username = z
  .string()
  .regex(/^[\w.-]{3,32}$/, '3 to 32 letters, digits, dots, dashes or underscores');

/** A password as somebody types it. Different passwords that are no valid Unicode would become one in UTF-8. */
export const GivenPassword = z.string().max(MAX_PASSWORD_CHARACTERS).refine(isWellFormed, 'valid Unicode');

/** A password that an account may have from now on. */
export const Password = GivenPassword.min(8);
