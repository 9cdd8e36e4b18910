import { LateResponseError } from '@app/proxy/internal';

/** Why Redis is degraded. `/health/ready` shows it to anyone, so it names no host and no user. */
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

/** Failure kinds of a Redis that refuses writes and still serves reads. */
export const READABLE_FAILURE_KINDS: ReadonlySet<RedisFailureKind> = new Set<RedisFailureKind>([
  'read-only',
  'too few replicas',
  'not persisting',
  'out of memory',
]);

/** Failure kinds by the first word of an error reply. */
const REPLIES: Readonly<Record<string, RedisFailureKind>> = {
  WRONGPASS: 'access refused',
  NOAUTH: 'access refused',
  NOPERM: 'access refused',
  READONLY: 'read-only',
  // A master that becomes a replica sends it to clients in a blocking command.
  UNBLOCKED: 'read-only',
  MASTERDOWN: 'without its master',
  NOREPLICAS: 'too few replicas',
  MISCONF: 'not persisting',
  OOM: 'out of memory',
  LOADING: 'loading',
  BUSY: 'slow',
};

/** If a command of a script fails, Redis 6 puts the script's name and line before the reply, and Redis 7 nothing. */
const SCRIPT_FAILED = 'ERR Error running script ';
const SCRIPT_REPLY = ': -';

/** Failure kind of an error of `ioredis`. */
export function redisFailureKindOf(error: unknown): RedisFailureKind {
  const { name, message } = error as Error;
  if (name === 'ReplyError') return REPLIES[codeOf(message)] ?? 'failing';
  return error instanceof LateResponseError || message === 'Command timed out' ? 'slow' : 'unreachable';
}

function codeOf(reply: string): string {
  const at = reply.startsWith(SCRIPT_FAILED) ? reply.indexOf(SCRIPT_REPLY) : -1;
  return reply.slice(at === -1 ? 0 : at + SCRIPT_REPLY.length).split(' ', 1)[0]!;
}
