import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { Database } from '../database.js';
import { TooManyRequestsException } from '../too-many-requests.exception.js';

/** The most wrong passwords of an account in a window. */
const MAX_WRONG = 10;
const WINDOW_MS = 15 * 60 * 1000;
/** The most subjects with a count. Above it the oldest count is forgotten. */
const MAX_SUBJECTS = 100_000;

/**
 * Limits wrong passwords for each account, over all client addresses. The count is in the database, so that all processes
 * share it, and is raised before the password is hashed, so that concurrent attempts count too.
 *
 * An unauthenticated client can use up the attempts of an account. Three things protect its owner: open sessions continue,
 * and can be renewed for 30 days; a password reset by mail clears the count; and attempts within a session (a change of the
 * password) count for that session alone, so that a stolen session does not lock the owner out of another.
 */
@Injectable()
export class PasswordAttemptsService {
  /** The last running attempt of each subject. */
  readonly #running = new Map<string, Promise<unknown>>();

  constructor(private readonly database: Database) {}

  /**
   * Makes one attempt. Attempts of one subject run one after the other, so that concurrent right passwords do not count as
   * wrong ones.
   *
   * @param subject `login:<e-mail>` for unauthenticated clients, `session:<id>` within a session
   * @param attempt resolves with undefined if the password was wrong
   * @throws TooManyRequestsException after 10 wrong passwords in 15 minutes
   */
  async run<Result>(
    subject: string,
    attempt: () => Promise<Result | undefined>,
  ): Promise<Result | undefined> {
    const previous = this.#running.get(subject) ?? Promise.resolve();
    const current = previous.then(() => this.#count(subject, attempt));
    // The next attempt waits for the end of this one, also if it fails.
    const ended = current.catch(() => {});
    this.#running.set(subject, ended);
    try {
      return await current;
    } finally {
      if (this.#running.get(subject) === ended) this.#running.delete(subject);
    }
  }

  /** Forgets the wrong passwords of a subject. */
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

/** A hash: of fixed length, and without the e-mail addresses in the table. */
function keyOf(subject: string): Buffer {
  return createHash('sha256').update(subject).digest();
}
