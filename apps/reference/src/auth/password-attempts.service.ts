import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { Database } from '../database.js';
import { TooManyRequestsException } from '../too-many-requests.exception.js';

/** Wrong passwords that one account takes in a window. */
const MAX_WRONG = 10;
const WINDOW_MS = 15 * 60 * 1000;
/** Accounts, and addresses without one, that are counted at a time; then the oldest count is forgotten. */
const MAX_SUBJECTS = 100_000;

/**
 * Limits wrong passwords for each account, from however many addresses they come. The count is in the database, so that
 * all processes share it, and it is taken before the password is hashed, so that tries at the same time are counted too.
 *
 * An unauthenticated client can use up the tries of an account. Its owner is protected in three ways: sessions that are
 * open go on, and renew themselves for 30 days; a password reset by mail clears the count; and tries within a session (a
 * change of password) are counted for that session alone, so that a stolen one does not stop the owner in another.
 */
@Injectable()
export class PasswordAttemptsService {
  /** The last attempt of each subject that is under way. */
  readonly #running = new Map<string, Promise<unknown>>();

  constructor(private readonly database: Database) {}

  /**
   * Makes one attempt. Those of one subject run one after the other, so that right passwords at the same time do not
   * count as wrong ones.
   *
   * @param subject `login:<e-mail>` for tries of unauthenticated clients, `session:<id>` for tries within a session
   * @param attempt resolves with undefined if the password was wrong
   * @throws TooManyRequestsException after 10 wrong ones in 15 minutes
   */
  async run<Result>(
    subject: string,
    attempt: () => Promise<Result | undefined>,
  ): Promise<Result | undefined> {
    const previous = this.#running.get(subject) ?? Promise.resolve();
    const current = previous.then(() => this.#count(subject, attempt));
    // The next in line waits for the end of this one, however it ends.
    const ended = current.catch(() => {});
    this.#running.set(subject, ended);
    try {
      return await current;
    } finally {
      if (this.#running.get(subject) === ended) this.#running.delete(subject);
    }
  }

  /** Forgets wrong attempts, since the owner has shown who they are. */
  clear(subject: string): void {
    this.database.run`DELETE FROM password_attempts WHERE subject = ${keyOf(subject)}`;
  }

  async #count<Result>(
    subject: string,
    attempt: () => Promise<Result | undefined>,
  ): Promise<Result | undefined> {
    this.#consume(keyOf(subject));
    const result = await attempt();
    if (result !== undefined) this.clear(subject);
    return result;
  }

  #consume(key: Buffer): void {
    const now = Date.now();
    const { wrong, window_end } = this.database.transaction(() => {
      this.database.run`DELETE FROM password_attempts WHERE window_end <= ${now}`;
      this.#makeRoom();
      return this.database.row<{ wrong: number; window_end: number }>`
        INSERT INTO password_attempts (subject, wrong, window_end) VALUES (${key}, 1, ${now + WINDOW_MS})
        ON CONFLICT (subject) DO UPDATE SET wrong = min(wrong + 1, ${MAX_WRONG + 1})
        RETURNING wrong, window_end`!;
    });
    if (wrong <= MAX_WRONG) return;
    throw new TooManyRequestsException('Too many wrong passwords', 'TOO_MANY_ATTEMPTS', window_end - now);
  }

  #makeRoom(): void {
    this.database.run`
      DELETE FROM password_attempts WHERE subject IN (
        SELECT subject FROM password_attempts ORDER BY window_end DESC LIMIT -1 OFFSET ${MAX_SUBJECTS - 1})`;
  }
}

/** Of one length, and no list of the addresses that somebody tried. */
function keyOf(subject: string): Buffer {
  return createHash('sha256').update(subject).digest();
}
