/** Why Redis is passed by: of bounded variety, and nothing that strangers could learn from it. */
export type RedisFault =
  'unreachable' | 'slow' | 'access refused' | 'read-only' | 'out of memory' | 'loading' | 'failing';

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
  return message === 'Command timed out' ? 'slow' : 'unreachable';
}
