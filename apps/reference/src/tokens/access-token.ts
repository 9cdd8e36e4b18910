import { z } from 'zod';
import { Id } from '../id.schema.js';

export const AUDIENCE = 'secureconnect-api';
export const ISSUER = 'secureconnect-auth';
export const ACCESS_TOKEN_SECONDS = 15 * 60;

/** The required claims of an access token. A refresh token has no `jti` and an empty role, so it is refused. */
export const AccessClaims = z
  .object({
    // In the spelling of stored ids, with which it is compared.
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
