import { Injectable } from '@nestjs/common';
import { Database } from '../database.js';
import type { AccessClaims } from '../tokens/access-token.js';
import { TooManyRequestsException } from '../too-many-requests.exception.js';
import { CredentialsService } from './credentials.service.js';
import { LETTER_LIFETIME_MS, MailOutboxService } from './mail-outbox.service.js';
import { UsersService, type User } from './users.service.js';

/** Sends the letters that prove an e-mail address, and changes the address of an account by them. */
@Injectable()
export class AccountMailService {
  constructor(
    private readonly database: Database,
    private readonly users: UsersService,
    private readonly credentials: CredentialsService,
    private readonly outbox: MailOutboxService,
  ) {}

  /**
   * Mails a token to the new address. The address of the account changes by `verifyEmail`.
   *
   * @throws ForbiddenException if the password is wrong
   * @throws TooManyRequestsException after 10 wrong passwords in 15 minutes, or 5 letters in an hour
   */
  async requestEmailChange(caller: AccessClaims, email: string, password: string): Promise<void> {
    const confirmed = await this.credentials.confirm(caller, password);
    this.database.transaction(() => {
      this.credentials.requireUnchanged(confirmed);
      const isSent = this.outbox.put('email-change', caller.user_id, email);
      if (!isSent)
        throw new TooManyRequestsException('Too many letters', 'TOO_MANY_LETTERS', LETTER_LIFETIME_MS);
    });
  }

  /** @throws BadRequestException if the token is unknown, expired or another user's */
  verifyEmail(caller: AccessClaims, token: string): User {
    return this.database.transaction(() => {
      const { recipient } = this.outbox.redeem('email-change', token, caller.user_id);
      this.outbox.void(caller.user_id);
      return this.users.setEmail(caller.user_id, recipient);
    });
  }

  /** Does the same, at the same cost, whether or not the address is registered. */
  requestPasswordReset(email: string): void {
    this.database.transaction(() => {
      const id = this.users.findIdByEmail(email);
      const isSent = id !== undefined && this.outbox.put('password-reset', id, email);
      if (!isSent) this.outbox.putDecoy('password-reset', email);
    });
  }
}
