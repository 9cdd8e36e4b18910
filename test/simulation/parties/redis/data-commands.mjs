import { invalidExpiry, isInteger, SYNTAX_ERROR, toExpiry, toInteger } from './arguments.mjs';
import { stringOf } from './database.mjs';
import { OK, ReplyError, SimpleString } from './resp.mjs';

/** Options of SET that the stand-in does not have. */
const SET_OPTIONS_ELSEWHERE = new Set(['EXAT', 'PXAT', 'KEEPTTL', 'GET']);

const UNITS = { EX: 1000, PX: 1 };

function parseSetOptions(options, now) {
  const parsed = { expiresAt: Infinity, condition: undefined };
  for (let index = 0; index < options.length; index++) {
    const option = options[index].toUpperCase();
    if (SET_OPTIONS_ELSEWHERE.has(option)) throw new ReplyError(`ERR the stand-in has no SET ${option}`);
    if (Object.hasOwn(UNITS, option) && index + 1 < options.length && parsed.expiresAt === Infinity) {
      const amount = toInteger(options[++index]);
      if (amount <= 0n) throw invalidExpiry('set');
      parsed.expiresAt = toExpiry(amount, { unitMs: UNITS[option], now, name: 'set' });
    } else if ((option === 'NX' || option === 'XX') && [undefined, option].includes(parsed.condition)) {
      parsed.condition = option;
    } else throw new ReplyError(SYNTAX_ERROR);
  }
  return parsed;
}

function set({ database, args: [, key, value, ...options], now }) {
  const { expiresAt, condition } = parseSetOptions(options, now);
  const isThere = condition !== undefined && database.find(key) !== undefined;
  if ((condition === 'NX' && isThere) || (condition === 'XX' && !isThere)) return null;
  database.set(key, value, expiresAt);
  return OK;
}

function get({ database, args: [, key] }) {
  const entry = database.read(key);
  return entry === undefined ? null : stringOf(entry);
}

function incrby({ database, args: [, key, text] }) {
  const increment = toInteger(text);
  const former = database.find(key);
  const value = (former === undefined ? 0n : toInteger(stringOf(former))) + increment;
  if (!isInteger(value)) throw new ReplyError('ERR increment or decrement would overflow');
  database.put(key, { value: String(value), expiresAt: former?.expiresAt ?? Infinity });
  database.notify('$', 'incrby', key);
  return value;
}

const countOf = (keys, isCounted) => keys.reduce((count, key) => count + (isCounted(key) ? 1 : 0), 0);

function del({ database, args: [, ...keys] }) {
  return countOf(keys, (key) => database.delete(key));
}

function exists({ database, args: [, ...keys] }) {
  return countOf(keys, (key) => database.read(key) !== undefined);
}

/** EXPIRE and PEXPIRE. Redis tells of the change after the reply. */
const expire = (unitMs) => (call) => {
  const { database, args, now } = call;
  const [name, key, text] = args;
  if (args.length > 3) throw new ReplyError('ERR the stand-in has no options of EXPIRE');
  const expiresAt = toExpiry(toInteger(text), { unitMs, now, name: name.toLowerCase() });
  const former = database.find(key);
  if (former === undefined) return 0;
  if (expiresAt <= now) {
    database.delete(key);
    return 1;
  }
  database.put(key, { ...former, expiresAt });
  call.afterReply(() => database.notify('g', 'expire', key));
  return 1;
};

function persist(call) {
  const { database, args } = call;
  const former = database.find(args[1]);
  if (former === undefined || former.expiresAt === Infinity) return 0;
  database.put(args[1], { ...former, expiresAt: Infinity });
  database.notify('g', 'persist', args[1]);
  return 1;
}

function ttl({ database, args: [, key] }) {
  const ms = database.pttl(key);
  return ms < 0 ? ms : Math.floor((ms + 500) / 1000);
}

function type({ database, args: [, key] }) {
  const entry = database.read(key);
  if (entry === undefined) return new SimpleString('none');
  return new SimpleString(typeof entry.value === 'string' ? 'string' : 'list');
}

/** Lists are there so that a key can have the wrong type. Redis tells of the change after the reply. */
function rpush(call) {
  const { database, args } = call;
  const [, key, ...items] = args;
  const former = database.find(key);
  if (typeof former?.value === 'string') {
    throw new ReplyError('WRONGTYPE Operation against a key holding the wrong kind of value');
  }
  const value = [...(former?.value ?? []), ...items];
  database.put(key, { value, expiresAt: former?.expiresAt ?? Infinity });
  call.afterReply(() => database.notify('l', 'rpush', key));
  return value.length;
}

function scan({ database, args: [, cursor, ...options] }) {
  if (!/^\d{1,20}$/.test(cursor)) throw new ReplyError('ERR invalid cursor');
  const step = {};
  for (let index = 0; index < options.length; index += 2) {
    const [option, value] = [options[index].toUpperCase(), options[index + 1]];
    if (value === undefined) throw new ReplyError(SYNTAX_ERROR);
    if (option === 'MATCH') step.pattern = value;
    else if (option === 'COUNT') step.count = Number(toInteger(value));
    else throw new ReplyError(SYNTAX_ERROR);
    if (step.count < 1) throw new ReplyError(SYNTAX_ERROR);
  }
  const found = database.scan(Number(cursor), step);
  return [String(found.cursor), found.keys];
}

/** Commands of keys: arity as Redis counts it (negative: at least), flags, and what they do. */
export const DATA_COMMANDS = {
  set: { arity: -3, flags: 'write denyoom', run: set },
  get: { arity: 2, flags: '', run: get },
  incrby: { arity: 3, flags: 'write denyoom', run: incrby },
  del: { arity: -2, flags: 'write', run: del },
  unlink: { arity: -2, flags: 'write', run: del },
  exists: { arity: -2, flags: '', run: exists },
  expire: { arity: -3, flags: 'write', run: expire(1000) },
  pexpire: { arity: -3, flags: 'write', run: expire(1) },
  persist: { arity: 2, flags: 'write', run: persist },
  ttl: { arity: 2, flags: '', run: ttl },
  pttl: { arity: 2, flags: '', run: ({ database, args }) => database.pttl(args[1]) },
  type: { arity: 2, flags: '', run: type },
  rpush: { arity: -3, flags: 'write denyoom', run: rpush },
  scan: { arity: -2, flags: '', run: scan },
  keys: { arity: 2, flags: '', run: ({ database, args }) => database.keys(args[1]) },
  dbsize: { arity: 1, flags: '', run: ({ database }) => database.size },
};
