import { createHash } from 'node:crypto';
import { toInteger } from './arguments.mjs';
import { ReplyError } from './resp.mjs';

/**
 * The scripts of the product and of rate-limiter-flexible, each with its twin in JavaScript. A twin gets `call(name, ...args)`
 * for `redis.call`, and the keys and the arguments of the script. The spelling of Lua's local variables does not matter.
 */
const TWINS = [
  {
    // Why the server refuses writes, if it does.
    lua: "return redis.call('set', KEYS[1], '1', 'PX', 60000)",
    run: ({ call, keys }) => call('set', keys[0], '1', 'PX', '60000'),
  },
  {
    // The TTLs of many keys.
    lua: "local ttls = {} for at, key in ipairs(ARGV) do ttls[at] = redis.call('pttl', key) end return ttls",
    run: ({ call, args }) => args.map((key) => call('pttl', key)),
  },
  {
    // One step of a SCAN with TTLs.
    lua: `
      local found = redis.call('scan', ARGV[1], 'MATCH', ARGV[2] .. '*', 'COUNT', ARGV[3])
      local reply = { found[1] }
      for _, key in ipairs(found[2]) do
        reply[#reply + 1] = string.sub(key, #ARGV[2] + 1)
        reply[#reply + 1] = redis.call('pttl', key)
      end
      return reply`,
    run: ({ call, args: [from, prefix, count] }) => {
      const [cursor, keys] = call('scan', from, 'MATCH', `${prefix}*`, 'COUNT', count);
      return [cursor, ...keys.flatMap((key) => [key.slice(prefix.length), call('pttl', key)])];
    },
  },
  {
    // The rate limiter's: adds to a count, which begins with its window.
    lua: `
      redis.call('set', KEYS[1], 0, 'EX', ARGV[2], 'NX')
      local consumed = redis.call('incrby', KEYS[1], ARGV[1])
      local ttl = redis.call('pttl', KEYS[1])
      if ttl == -1 then
        redis.call('expire', KEYS[1], ARGV[2])
        ttl = 1000 * ARGV[2]
      end
      return {consumed, ttl}`,
    run: ({ call, keys: [key], args: [points, seconds] }) => {
      call('set', key, '0', 'EX', seconds, 'NX');
      const consumed = call('incrby', key, points);
      const ttl = call('pttl', key);
      if (ttl !== -1) return [consumed, ttl];
      call('expire', key, seconds);
      return [consumed, Math.trunc(1000 * Number(seconds))];
    },
  },
];

/** Names of Lua and Redis that a script may not choose. */
const KNOWN =
  /^(?:local|return|for|in|do|if|then|else|elseif|end|and|or|not|nil|true|false|while|ipairs|pairs|redis|call|KEYS|ARGV|string|sub|_)$/;

/** A script without what does not matter: spaces, and how its variables are called. */
function normalise(lua) {
  const names = new Map();
  const tokens = lua.match(/'[^']*'|"[^"]*"|[A-Za-z_]\w*|\d+|[^\s\w]/g) ?? [];
  return tokens
    .map((token) => {
      if (!/^[A-Za-z_]/.test(token) || KNOWN.test(token)) return token;
      if (!names.has(token)) names.set(token, `v${names.size}`);
      return names.get(token);
    })
    .join(' ');
}

const SHA_LENGTH = 40;
const NO_SCRIPT = 'NOSCRIPT No matching script. Please use EVAL.';

const RUN_OF = new Map(TWINS.map(({ lua, run }) => [normalise(lua), run]));

/** EVAL. @throws {ReplyError} for a script without a twin */
export function evaluate(call) {
  const keysCount = parseKeysCount(call.args);
  return runScript(call, findScript(call, call.args[1]), keysCount);
}

/** EVALSHA. */
export function evaluateBySha(call) {
  const sha = call.args[1].toLowerCase();
  if (sha.length !== SHA_LENGTH) throw new ReplyError(NO_SCRIPT);
  const keysCount = parseKeysCount(call.args);
  const script = call.server.scripts.get(sha);
  if (!script) throw new ReplyError(NO_SCRIPT);
  return runScript(call, script, keysCount);
}

/** SCRIPT LOAD. @throws {ReplyError} for a script without a twin */
export function loadScript(call) {
  return findScript(call, call.args[2]).sha;
}

function findScript({ server }, lua) {
  const sha = createHash('sha1').update(lua, 'latin1').digest('hex');
  const known = server.scripts.get(sha);
  if (known) return known;
  const run = RUN_OF.get(normalise(lua));
  if (!run) throw new ReplyError('ERR unknown script of the stand-in');
  const script = { lua, sha, run };
  server.scripts.set(sha, script);
  return script;
}

function parseKeysCount([, , text, ...rest]) {
  const count = Number(toInteger(text));
  if (count > rest.length) throw new ReplyError("ERR Number of keys can't be greater than number of args");
  if (count < 0) throw new ReplyError("ERR Number of keys can't be negative");
  return count;
}

function runScript(call, { lua, sha, run }, keysCount) {
  const rest = call.args.slice(3);
  const callRedis = (name, ...args) => {
    try {
      return call.runInScript([name, ...args]);
    } catch (error) {
      if (!(error instanceof ReplyError)) throw error;
      const line = lua.slice(0, lua.indexOf(`'${name}'`)).split('\n').length;
      throw new ReplyError(`${error.message} script: ${sha}, on @user_script:${line}.`);
    }
  };
  return run({ call: callRedis, keys: rest.slice(0, keysCount), args: rest.slice(keysCount) });
}
