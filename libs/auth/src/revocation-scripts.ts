import type { Redis } from 'ioredis';

/**
 * The lives of many keys, as one command. The keys are arguments: to pass any as a key of a script, a user needs the
 * right to write it, whatever the script does.
 */
const TTL_SCRIPT =
  "local lives = {} for at, key in ipairs(ARGV) do lives[at] = redis.call('pttl', key) end return lives";

/** One step of a SCAN with the lives of the keys that it finds, whose names come without the prefix. */
const SCAN_SCRIPT = `
  local found = redis.call('scan', ARGV[1], 'MATCH', ARGV[2] .. '*', 'COUNT', ARGV[3])
  local answer = { found[1] }
  for _, key in ipairs(found[2]) do
    answer[#answer + 1] = string.sub(key, #ARGV[2] + 1)
    answer[#answer + 1] = redis.call('pttl', key)
  end
  return answer`;

/** Keys that one step looks at: about a millisecond, for Redis as for this process. */
const SCAN_COUNT = 1_000;

/** Milliseconds that each key has left, as PTTL says them. */
export function readTtls(client: Redis, keys: readonly string[]): Promise<readonly number[]> {
  return client.eval(TTL_SCRIPT, 0, ...keys) as Promise<number[]>;
}

/** What one step of a scan finds. */
export interface ScanStep {
  /** Of the next step; `0` after the last. */
  readonly cursor: string;
  /** Names without the prefix, each with its life as PTTL says it. */
  readonly found: readonly (readonly [name: string, lifeMs: number])[];
}

/** Keys that are there from the first step to the last are not missed. @param cursor `0` for the first step */
export async function scanStep(client: Redis, prefix: string, cursor: string): Promise<ScanStep> {
  const answer = (await client.eval(SCAN_SCRIPT, 0, cursor, prefix, SCAN_COUNT)) as [string, ...unknown[]];
  const found: [string, number][] = [];
  for (let at = 1; at < answer.length; at += 2) found.push([answer[at] as string, answer[at + 1] as number]);
  return { cursor: answer[0], found };
}
