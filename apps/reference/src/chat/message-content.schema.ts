import { z } from 'zod';
import { isWellFormed } from '../well-formed.js';

const MAX_CONTENT_BYTES = 65_536;

/** The content of a message, by HTTP or on a socket. `client_id` is the client's own id for the message. */
export const MessageContent = z.object({
  content: z
    .string()
    .min(1)
    .max(MAX_CONTENT_BYTES)
    // SQLite stores lone surrogates as U+FFFD.
    .transform((text) => text.toWellFormed())
    .refine(
      (text) => Buffer.byteLength(text) <= MAX_CONTENT_BYTES,
      `at most ${MAX_CONTENT_BYTES} bytes of UTF-8`,
    ),
  // UTF-8 would turn different ids of invalid Unicode into one.
  client_id: z.string().min(1).max(100).refine(isWellFormed, 'valid Unicode').nullable().default(null),
});
