import { z } from 'zod';

/** What a client says, by HTTP or on a socket. @property client_id the client's own id: the same one is the same message */
export const MessageContent = z.object({
  content: z.string().min(1).max(65_536),
  client_id: z.string().min(1).max(100).nullable().default(null),
});
