import { Injectable } from '@nestjs/common';
import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt);
const COST = { N: 2 ** 14, r: 8, p: 5 };
const KEY_BYTES = 32;

/** Keeps passwords as salted scrypt, and compares in a time that says nothing about whether the user exists. */
@Injectable()
export class PasswordService {
  readonly #nobody = this.hash(randomBytes(16).toString('hex'));

  async hash(password: string): Promise<string> {
    const salt = randomBytes(16);
    const key = await derive(password.normalize(), salt, KEY_BYTES, COST);
    return `${salt.toString('base64')}:${key.toString('base64')}`;
  }

  async matches(password: string, stored: string | undefined): Promise<boolean> {
    const [salt = '', key = ''] = (stored ?? (await this.#nobody)).split(':');
    const derived = await derive(password.normalize(), Buffer.from(salt, 'base64'), KEY_BYTES, COST);
    return timingSafeEqual(derived, Buffer.from(key, 'base64')) && stored !== undefined;
  }
}
