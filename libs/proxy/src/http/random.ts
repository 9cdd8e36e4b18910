import { randomUUID } from 'node:crypto';

/*
 * All randomness of the product that is not the key of a cipher: one module, so that the simulation can replay it.
 */

/** At least 0 and below 1. */
export function randomFraction(): number {
  return Math.random();
}

/** An id that no other has (RFC 9562, version 4). */
export function randomId(): string {
  return randomUUID();
}
