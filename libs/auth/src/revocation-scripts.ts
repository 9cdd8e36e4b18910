import type { Redis } from 'ioredis';

/**
 * The TTLs of many keys, by one command. The keys are in ARGV: an ACL must permit writing for each key in KEYS, even if the
 * script only reads. So a `keyPrefix` of the client does not apply to them.
 */
const TTL_SCRIPT =
  "local ttls = {} for at, key in ipairs(ARGV) do ttls[at] = redis.call('pttl', key) end return ttls";

/** One step of a SCAN: the names of keys without the prefix, each with its TTL. */
const SCAN_SCRIPT = `
  local found = redis.call('scan', ARGV[1], 'MATCH', ARGV[2] .. '*', 'COUNT', ARGV[3])
  local reply = { found[1] }
  for _, key in ipairs(found[2]) do
    reply[#reply + 1] = string.sub(key, #ARGV[2] + 1)
    reply[#reply + 1] = redis.call('pttl', key)
  end
  return reply`;

/** Keys that one step scans: about a millisecond, for Redis as for this process. */
const SCAN_COUNT = 1_000;

/** The TTL of each key in milliseconds, as PTTL returns it: -1 without an expiry, -2 if the key does not exist. */
export function readTtls(client: Redis, keys: readonly string[]): Promise<readonly number[]> {
  return client.eval(TTL_SCRIPT, 0, ...keys) as Promise<number[]>;
}

/** The result of one step of a scan. */
export interface ScanStep {
  /** The cursor of the next step; `0` after the last. */
  readonly cursor: string;
  /** Names without the prefix, each with its TTL as PTTL returns it. */
  readonly found: readonly (readonly [name: string, ttlMs: number])[];
}

/**
 * Runs one step of a scan. All steps together find each key that exists throughout, possibly twice.
 * @param cursor `0` for the first step
 */
export async function scanStep(client: Redis, prefix: string, cursor: string): Promise<ScanStep> {
  const reply = (await client.eval(SCAN_SCRIPT, 0, cursor, prefix, SCAN_COUNT)) as [string, ...unknown[]];
  const found: [string, number][] = [];
  for (let at = 1; at < reply.length; at += 2) found.push([reply[at] as string, reply[at + 1] as number]);
  return { cursor: reply[0], found };
}
