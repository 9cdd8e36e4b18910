import { z } from 'zod';

export const Email = z.string().trim().toLowerCase().max(254).pipe(z.email());
export const Username = z
  .string()
  .regex(/^[\w.-]{3,32}$/, '3 to 32 letters, digits, dots, dashes or underscores');
export const Password = z.string().min(8).max(128);
