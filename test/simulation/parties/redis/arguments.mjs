import { ReplyError } from './resp.mjs';

const MOST = 2n ** 63n - 1n;
const LEAST = -(2n ** 63n);

export const NOT_AN_INTEGER = 'ERR value is not an integer or out of range';
export const SYNTAX_ERROR = 'ERR syntax error';

/** A 64-bit integer, as Redis reads it. @throws {ReplyError} */
export function toInteger(text, message = NOT_AN_INTEGER) {
  if (!/^(?:0|-?[1-9]\d{0,18})$/.test(text)) throw new ReplyError(message);
  const integer = BigInt(text);
  if (!isInteger(integer)) throw new ReplyError(message);
  return integer;
}

/** @param {bigint} integer whether it has 64 bits */
export const isInteger = (integer) => integer >= LEAST && integer <= MOST;

/**
 * When a key expires, in milliseconds since 1970.
 * @param {bigint} amount
 * @param {{ unitMs: number, now: number, name: string }} options unit of the amount, and the command
 * @throws {ReplyError} if Redis cannot count so far
 */
export function toExpiry(amount, { unitMs, now, name }) {
  const expiresAt = amount * BigInt(unitMs) + BigInt(now);
  if (!isInteger(amount * BigInt(unitMs)) || !isInteger(expiresAt)) throw invalidExpiry(name);
  return Number(expiresAt);
}

export const invalidExpiry = (name) => new ReplyError(`ERR invalid expire time in '${name}' command`);
