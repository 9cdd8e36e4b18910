import { Injectable } from '@nestjs/common';
import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto';
import { promisify } from 'node:util';

const deriveKey = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt);
const COST = { N: 2 ** 14, r: 8, p: 5 };
const SALT_BYTES = 16;
const KEY_BYTES = 32;

/** Hashes passwords by scrypt with a salt, and does the same work whether or not the user exists. */
@Injectable()
export class PasswordService {
  /** Compared in place of the hash of an unknown user. */
  readonly #decoy = { salt: randomBytes(SALT_BYTES), key: randomBytes(KEY_BYTES) };

  /** The text to store. It differs each time, so that it also identifies this change of the password. */
  async hash(password: string): Promise<string> {
    const salt = randomBytes(SALT_BYTES);
    const key = await this.derive(password, salt);
    return `${salt.toString('base64')}:${key.toString('base64')}`;
  }

  /** @param stored the result of `hash`, or undefined if there is no such user */
  async matches(password: string, stored: string | undefined): Promise<boolean> {
    const { salt, key } = stored === undefined ? this.#decoy : parse(stored);
    const derived = await this.derive(password, salt);
    return timingSafeEqual(derived, key) && stored !== undefined;
  }

  /** The work of one hash, always at the same cost. */
  derive(password: string, salt: Buffer): Promise<Buffer> {
    return deriveKey(password.normalize(), salt, KEY_BYTES, COST);
  }
}

function parse(stored: string): { salt: Buffer; key: Buffer } {
  const [salt = '', key = ''] = stored.split(':');
  return { salt: Buffer.from(salt, 'base64'), key: Buffer.from(key, 'base64') };
}
