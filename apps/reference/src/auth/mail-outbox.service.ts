import { BadRequestException, Injectable } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { Database, type AddedColumn } from '../database.js';

export type MailPurpose = 'password-reset' | 'email-change';

export interface Mail {
  readonly user_id: string;
  readonly recipient: string;
}

/** Milliseconds for which the token of a letter is valid after it was last sent. */
export const LETTER_LIFETIME_MS = 60 * 60 * 1000;

/** The most times that a letter of one purpose is sent to a user before it expires. */
const MAX_SENT = 5;

/** Columns that databases of earlier versions lack. */
export const MAIL_COLUMNS: readonly AddedColumn[] = [
  { table: 'mail_outbox', column: 'sent', definition: 'INTEGER NOT NULL DEFAULT 1' },
];

/**
 * Letters with a one-time token, in a table from which another program sends them: each new `created_at` of a row means one
 * more sending. A repeated request sends the same token, so that an unauthenticated client cannot void a letter of the
 * owner. A letter to another address voids the former one, and a change of the account voids all earlier letters.
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

  /** Costs as much as `put`, and sends nothing. */
  putDecoy(purpose: MailPurpose, recipient: string): void {
    const now = Date.now();
    const token = randomBytes(32).toString('base64url');
    this.database.run`
      INSERT OR REPLACE INTO mail_decoys (token, purpose, user_id, recipient, created_at, expires_at, sent)
      VALUES (${token}, ${purpose}, '', ${recipient}, ${iso(now)}, ${iso(now + LETTER_LIFETIME_MS)}, 1)`;
  }

  /** Checks a token before expensive work. @throws BadRequestException if `redeem` would */
  require(purpose: MailPurpose, token: string): void {
    const mail = this.database.row`
      SELECT 1 FROM mail_outbox
      WHERE token = ${token} AND purpose = ${purpose} AND expires_at > ${iso(Date.now())}`;
    if (!mail) throw invalidToken();
  }

  /**
   * Returns the letter of a token, and voids it. To be called in the transaction of the change that the letter allows.
   *
   * @throws BadRequestException if the token is unknown, expired or of another user
   */
  redeem(purpose: MailPurpose, token: string, userId?: string): Mail {
    const mail = this.database.row<Mail>`
      DELETE FROM mail_outbox
      WHERE token = ${token} AND purpose = ${purpose} AND expires_at > ${iso(Date.now())}
        AND user_id = coalesce(${userId ?? null}, user_id)
      RETURNING user_id, recipient`;
    if (!mail) throw invalidToken();
    return mail;
  }

  /** Voids all letters of a user, since the account has changed. */
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
