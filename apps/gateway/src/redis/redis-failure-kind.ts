/** Why Redis is bypassed: of bounded variety, and nothing that strangers could learn from it. */
export type RedisFailureKind =
  | 'unreachable'
  | 'slow'
  | 'access refused'
  | 'read-only'
  | 'without its master'
  | 'too few replicas'
  | 'not persisting'
  | 'out of memory'
  | 'loading'
  | 'failing';

/** Redis does not take writes, and answers all else. */
export const READABLE_FAULTS: ReadonlySet<RedisFailureKind> = new Set<RedisFailureKind>([
  'read-only',
  'too few replicas',
  'not persisting',
  'out of memory',
]);

/** No answer came in the time that a request can wait. */
export class RedisSlowError extends Error {
  override readonly name = 'RedisSlowError';
}

/** By the first word of an error reply. */
const REPLIES: Readonly<Record<string, RedisFailureKind>> = {
  WRONGPASS: 'access refused',
  NOAUTH: 'access refused',
  NOPERM: 'access refused',
  READONLY: 'read-only',
  // A master that has become a replica says so to commands that block.
  UNBLOCKED: 'read-only',
  MASTERDOWN: 'without its master',
  NOREPLICAS: 'too few replicas',
  MISCONF: 'not persisting',
  OOM: 'out of memory',
  LOADING: 'loading',
  BUSY: 'slow',
};

/** Redis 6 puts the reply that a script got behind the script's name and line; Redis 7 passes it on as it is. */
const SCRIPT_FAILED = 'ERR Error running script ';
const SCRIPT_REPLY = ': -';

/** What an error of `ioredis` says of Redis. */
export function redisFailureKindOf(error: unknown): RedisFailureKind {
  const { name, message } = error as Error;
  if (name === 'ReplyError') return REPLIES[codeOf(message)] ?? 'failing';
  return error instanceof RedisSlowError || message === 'Command timed out' ? 'slow' : 'unreachable';
}

function codeOf(reply: string): string {
  const at = reply.startsWith(SCRIPT_FAILED) ? reply.indexOf(SCRIPT_REPLY) : -1;
  return reply.slice(at === -1 ? 0 : at + SCRIPT_REPLY.length).split(' ', 1)[0]!;
}
