import { BadRequestException, Injectable } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { Database, type AddedColumn } from '../database.js';

export type MailPurpose = 'password-reset' | 'email-change';

export interface Mail {
  readonly user_id: string;
  readonly recipient: string;
}

/** Milliseconds for which the token of a letter is valid, from the last sending on. */
export const LETTER_LIFETIME_MS = 60 * 60 * 1000;

/** How often a letter of one purpose is sent to a user until it expires, the first time included. */
const MAX_SENT = 5;

/** Columns that databases of earlier versions lack. */
export const MAIL_COLUMNS: readonly AddedColumn[] = [
  { table: 'mail_outbox', column: 'sent', definition: 'INTEGER NOT NULL DEFAULT 1' },
];

/**
 * Letters with a one-time token, for whatever sends mail to take from the table: a row with a new `created_at` is to be
 * sent. A further request sends the same token, so that an unauthenticated client makes no letter of the owner worthless. A
 * letter to another address voids the former, and a change of the account voids all from before.
 */
@Injectable()
export class MailOutboxService {
  constructor(private readonly database: Database) {}

  /** Returns false if the letter was sent too often. To be called in a transaction. */
  put(purpose: MailPurpose, userId: string, recipient: string): boolean {
    const now = Date.now();
    const last = this.database.row<Mail & { token: string; sent: number }>`
      SELECT user_id, recipient, token, sent FROM mail_outbox
      WHERE user_id = ${userId} AND purpose = ${purpose} AND expires_at > ${iso(now)}`;
    if (last && last.sent >= MAX_SENT) return false;
    const token = last?.recipient === recipient ? last.token : randomBytes(32).toString('base64url');
    this.database.run`
      INSERT OR REPLACE INTO mail_outbox (token, purpose, user_id, recipient, created_at, expires_at, sent)
      VALUES (${token}, ${purpose}, ${userId}, ${recipient}, ${iso(now)}, ${iso(now + LETTER_LIFETIME_MS)},
        ${(last?.sent ?? 0) + 1})`;
    return true;
  }

  /** Does the work of `put`, and sends nothing. */
  putDecoy(purpose: MailPurpose, recipient: string): void {
    const now = Date.now();
    const token = randomBytes(32).toString('base64url');
    this.database.run`
      INSERT OR REPLACE INTO mail_decoys (token, purpose, user_id, recipient, created_at, expires_at, sent)
      VALUES (${token}, ${purpose}, '', ${recipient}, ${iso(now)}, ${iso(now + LETTER_LIFETIME_MS)}, 1)`;
  }

  /** @throws BadRequestException if `redeem` would, so that a token that nobody was sent costs no more work */
  require(purpose: MailPurpose, token: string): void {
    const mail = this.database.row`
      SELECT 1 FROM mail_outbox
      WHERE token = ${token} AND purpose = ${purpose} AND expires_at > ${iso(Date.now())}`;
    if (!mail) throw invalidToken();
  }

  /** Gives the letter that this token came with, once. To be called in the transaction of what the letter allows. */
  redeem(purpose: MailPurpose, token: string, userId?: string): Mail {
    const mail = this.database.row<Mail>`
      DELETE FROM mail_outbox
      WHERE token = ${token} AND purpose = ${purpose} AND expires_at > ${iso(Date.now())}
        AND user_id = coalesce(${userId ?? null}, user_id)
      RETURNING user_id, recipient`;
    if (!mail) throw invalidToken();
    return mail;
  }

  /** Makes every letter of the user worthless: the account is not any more as it was when they were asked for. */
  void(userId: string): void {
    this.database.run`DELETE FROM mail_outbox WHERE user_id = ${userId}`;
  }
}

function invalidToken(): BadRequestException {
  return new BadRequestException('Invalid or expired token', { errorCode: 'INVALID_TOKEN' });
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
