import { ConflictException, Injectable, NotFoundException } from '@nestjs/common';
import { z } from 'zod';
import { Database } from '../database.js';

const Key = z.base64().min(1).max(4096);
const OneTimePreKey = z.object({ key_id: z.number().int(), public_key: Key });

export const KeyBundle = z.object({
  identity_key: Key,
  signed_pre_key: z.object({ key_id: z.number().int(), public_key: Key, signature: Key }),
  one_time_pre_keys: z.array(OneTimePreKey).max(200).default([]),
});

export type KeyBundle = z.infer<typeof KeyBundle>;

export interface StoredKeys {
  readonly user_id: string;
  readonly version: number;
  readonly bundle: KeyBundle;
  readonly updated_at: string;
}

/** The owner's view: all unused one-time keys, and their number. */
export interface OwnKeys extends StoredKeys {
  readonly one_time_pre_keys_left: number;
}

/** Milliseconds until a reader may get another one-time key of the same user. */
const READER_INTERVAL_MS = 60_000;

type OneTimePreKey = z.infer<typeof OneTimePreKey>;
type Row = Omit<StoredKeys, 'bundle'> & { readonly bundle: string };

/**
 * Stores the public keys of the end-to-end encryption. A one-time prekey is given to one reader only, even if its owner
 * uploads it again (X3DH, section 3.4).
 */
@Injectable()
export class KeysService {
  constructor(private readonly database: Database) {}

  /** @throws ConflictException if the user has keys */
  upload(userId: string, bundle: KeyBundle): OwnKeys {
    return this.database.transaction(() => {
      const added = this.database.run`
        INSERT OR IGNORE INTO key_bundles (user_id, version, bundle, updated_at)
        VALUES (${userId}, 1, ${withoutOneTimeKeys(bundle)}, ${now()})`;
      if (!added) throw new ConflictException('Keys exist already: rotate them');
      this.#insertOneTimeKeys(userId, bundle);
      return this.readOwn(userId);
    });
  }

  /** Replaces the unused one-time keys. @throws NotFoundException if the user has no keys */
  rotate(userId: string, bundle: KeyBundle): OwnKeys {
    return this.database.transaction(() => {
      this.database.run`
        UPDATE key_bundles
        SET version = version + 1, bundle = ${withoutOneTimeKeys(bundle)}, updated_at = ${now()}
        WHERE user_id = ${userId}`;
      const keys = this.#read(userId);
      this.database.run`DELETE FROM one_time_pre_keys WHERE user_id = ${userId} AND NOT is_given`;
      this.#insertOneTimeKeys(userId, bundle);
      return this.#withOwnKeys(keys);
    });
  }

  readOwn(userId: string): OwnKeys {
    return this.#withOwnKeys(this.#read(userId));
  }

  /**
   * Gives one one-time key, to no other reader. Gives none if none is left, or if the reader got one of this user less than
   * a minute ago, so that a single reader cannot use them up.
   */
  readForOther(userId: string, readerId: string): StoredKeys {
    return this.database.transaction(() => {
      const keys = this.#read(userId);
      if (!this.#addReader(userId, readerId)) return withOneTimeKeys(keys, []);
      const given = this.database.rows<OneTimePreKey>`
        UPDATE one_time_pre_keys SET is_given = 1
        WHERE rowid = (SELECT min(rowid) FROM one_time_pre_keys WHERE user_id = ${userId} AND NOT is_given)
        RETURNING key_id, public_key`;
      return withOneTimeKeys(keys, given);
    });
  }

  /** Returns false if the reader got a key within the last minute. */
  #addReader(userId: string, readerId: string): boolean {
    const givenAt = Date.now();
    this.database.run`DELETE FROM one_time_pre_key_readers WHERE given_at <= ${givenAt - READER_INTERVAL_MS}`;
    const added = this.database.run`
      INSERT OR IGNORE INTO one_time_pre_key_readers (user_id, reader_id, given_at)
      VALUES (${userId}, ${readerId}, ${givenAt})`;
    return added === 1;
  }

  #read(userId: string): StoredKeys {
    const row = this.database.row<Row>`SELECT * FROM key_bundles WHERE user_id = ${userId}`;
    if (!row) throw new NotFoundException('Keys not found');
    return { ...row, bundle: JSON.parse(row.bundle) as KeyBundle };
  }

  #withOwnKeys(keys: StoredKeys): OwnKeys {
    const left = this.database.rows<OneTimePreKey>`
      SELECT key_id, public_key FROM one_time_pre_keys
      WHERE user_id = ${keys.user_id} AND NOT is_given ORDER BY rowid`;
    return { ...withOneTimeKeys(keys, left), one_time_pre_keys_left: left.length };
  }

  #insertOneTimeKeys(userId: string, { one_time_pre_keys }: KeyBundle): void {
    this.database.run`
      INSERT OR IGNORE INTO one_time_pre_keys (user_id, key_id, public_key)
      SELECT ${userId}, value ->> 'key_id', value ->> 'public_key'
      FROM json_each(${JSON.stringify(one_time_pre_keys)})`;
  }
}

function withoutOneTimeKeys(bundle: KeyBundle): string {
  return JSON.stringify({ ...bundle, one_time_pre_keys: undefined });
}

function withOneTimeKeys(keys: StoredKeys, one_time_pre_keys: OneTimePreKey[]): StoredKeys {
  return { ...keys, bundle: { ...keys.bundle, one_time_pre_keys } };
}

function now(): string {
  return new Date().toISOString();
}
