/** Why Redis is bypassed: of bounded variety, and nothing that strangers could learn from it. */
export type RedisFault =
  'unreachable' | 'slow' | 'access refused' | 'read-only' | 'out of memory' | 'loading' | 'failing';

/** Redis does not take writes, and answers all else. */
export const READABLE_FAULTS: ReadonlySet<RedisFault> = new Set<RedisFault>(['read-only', 'out of memory']);

/** No answer came in the time that a request can wait. */
export class RedisSlowError extends Error {
  override readonly name = 'RedisSlowError';
}

/** By the first word of an error reply. */
const REPLIES: Readonly<Record<string, RedisFault>> = {
  WRONGPASS: 'access refused',
  NOAUTH: 'access refused',
  NOPERM: 'access refused',
  READONLY: 'read-only',
  OOM: 'out of memory',
  LOADING: 'loading',
};

/** What an error of `ioredis` says of Redis. */
export function redisFaultOf(error: unknown): RedisFault {
  const { name, message } = error as Error;
  if (name === 'ReplyError') return REPLIES[message.split(' ', 1)[0]!] ?? 'failing';
  return error instanceof RedisSlowError || message === 'Command timed out' ? 'slow' : 'unreachable';
}
