import { randomBytes, randomUUID } from 'node:crypto';

/*
 * All randomness of the product, except keys of ciphers. In one module, so that the simulation can replay it.
 */

/** A random number, at least 0 and below 1. */
export function randomFraction(): number {
  return Math.random();
}

/** A random UUID (RFC 9562, version 4). */
export function randomId(): string {
  return randomUUID();
}

/** Sixteen random bytes in base64, the nonce of a WebSocket handshake (RFC 6455, section 4.1). */
export function randomNonce(): string {
  return randomBytes(16).toString('base64');
}
