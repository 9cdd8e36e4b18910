import { READABLE_FAILURE_KINDS, redisFailureKindOf } from './redis-failure-kind.js';

function replyError(message: string): Error {
  const error = new Error(message);
  error.name = 'ReplyError';
  return error;
}

describe('a reply of Redis', () => {
  it.each([
    ["READONLY You can't write against a read only replica.", 'read-only', true],
    // Replies of Redis 6 and 7 to a script; rate limits write by scripts.
    [
      "ERR Error running script (call to f_4ca2): @user_script:1: @user_script: 1: -READONLY You can't write",
      'read-only',
      true,
    ],
    ["READONLY You can't write. script: f_4ca2, on @user_script:1.", 'read-only', true],
    ['UNBLOCKED force unblock from blocking operation, instance state changed', 'read-only', true],
    ['NOREPLICAS Not enough good replicas to write.', 'too few replicas', true],
    ['MISCONF Errors writing to the AOF file: No space left on device', 'not persisting', true],
    ["OOM command not allowed when used memory > 'maxmemory'.", 'out of memory', true],
    [
      "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
      'without its master',
      false,
    ],
    ['LOADING Redis is loading the dataset in memory', 'loading', false],
    ['BUSY Redis is busy running a script.', 'slow', false],
    ['ERR Error running script (call to f_4ca2): @user_script:1: it failed', 'failing', false],
    ['ERR unknown command', 'failing', false],
  ])('%j means %s; readable: %s', (reply, fault, isReadable) => {
    expect(redisFailureKindOf(replyError(reply))).toBe(fault);
    expect(READABLE_FAILURE_KINDS.has(redisFailureKindOf(replyError(reply)))).toBe(isReadable);
  });
});
