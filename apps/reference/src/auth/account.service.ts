import { Injectable, UnauthorizedException } from '@nestjs/common';
import type { AccessClaims } from '../tokens/access-token.js';
import { CredentialsService } from './credentials.service.js';
import { MailOutboxService } from './mail-outbox.service.js';
import { SessionService, type Session } from './session.service.js';
import { UsersService } from './users.service.js';

/**
 * Opens, changes and deletes accounts. Passwords are hashed outside of transactions, so each change checks in its
 * transaction that the account still has the hash that was compared. Thus logins, letters and changes have one order, that
 * of the database.
 */
@Injectable()
export class AccountService {
  constructor(
    private readonly users: UsersService,
    private readonly credentials: CredentialsService,
    private readonly sessions: SessionService,
    private readonly outbox: MailOutboxService,
  ) {}

  /** @throws ConflictException if the e-mail or the name is taken */
  async register(email: string, username: string, password: string): Promise<Session> {
    const hash = await this.credentials.hash(password);
    const { id } = this.users.create(email, username, hash);
    const session = await this.sessions.open({ id, password: hash });
    if (!session) throw invalidCredentials();
    return session;
  }

  /**
   * Opens a session. An e-mail without an account costs the same work, has the same limit and gets the same response.
   *
   * @throws UnauthorizedException if the password is wrong
   * @throws TooManyRequestsException after 10 wrong passwords in 15 minutes
   */
  async login(email: string, password: string): Promise<Session> {
    const session = await this.credentials.login(email, password, (credentials) =>
      this.sessions.open(credentials),
    );
    if (!session) throw invalidCredentials();
    return session;
  }

  /**
   * Changes the password, and ends all other sessions of the user.
   *
   * @throws ForbiddenException if the current password is wrong
   * @throws TooManyRequestsException after 10 wrong passwords in 15 minutes
   */
  async changePassword(caller: AccessClaims, current: string, next: string): Promise<void> {
    const confirmed = await this.credentials.confirm(caller, current);
    const password = await this.credentials.hash(next);
    this.sessions.closeAll(
      () => {
        this.credentials.requireUnchanged(confirmed);
        return caller.user_id;
      },
      (id) => this.credentials.change({ id, password }),
      caller,
    );
  }

  /**
   * Changes the password by the token of a letter, and ends all sessions of the user.
   *
   * @throws BadRequestException if the token is unknown or expired
   */
  async confirmPasswordReset(token: string, next: string): Promise<void> {
    this.outbox.require('password-reset', token);
    const password = await this.credentials.hash(next);
    this.sessions.closeAll(
      () => {
        const { user_id, recipient } = this.outbox.redeem('password-reset', token);
        this.credentials.forgetAttempts(recipient);
        return user_id;
      },
      (id) => this.credentials.change({ id, password }),
    );
  }

  /** Ends all sessions of the user, too. */
  delete(caller: AccessClaims): void {
    this.sessions.closeAll(
      () => caller.user_id,
      (id) => this.users.delete(id),
    );
  }
}

function invalidCredentials(): UnauthorizedException {
  return new UnauthorizedException('Invalid email or password', { errorCode: 'INVALID_CREDENTIALS' });
}
