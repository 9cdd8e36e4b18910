import { z } from 'zod';
import { Id } from '../id.schema.js';

export const AUDIENCE = 'secureconnect-api';
export const ISSUER = 'secureconnect-auth';
export const ACCESS_TOKEN_SECONDS = 15 * 60;

/** What an access token must say; a refresh token has no `jti` and an empty role, and so is none. */
export const AccessClaims = z
  .object({
    // Compared with ids that are stored, so in their spelling.
    user_id: Id,
    sub: Id,
    email: z.string(),
    username: z.string(),
    role: z.enum(['user', 'admin']),
    jti: z.string().min(1),
    sid: z.string().min(1).optional(),
    exp: z.number(),
  })
  .refine((claims) => claims.sub === claims.user_id);

export type AccessClaims = z.infer<typeof AccessClaims>;
