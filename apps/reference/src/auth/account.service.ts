import { ForbiddenException, Injectable, UnauthorizedException } from '@nestjs/common';
import { Database } from '../database.js';
import type { AccessClaims } from '../tokens/access-token.js';
import { TooManyRequestsException } from '../too-many-requests.exception.js';
import { LETTER_LIFETIME_MS, MailOutboxService } from './mail-outbox.service.js';
import { PasswordAttemptsService } from './password-attempts.service.js';
import { PasswordService } from './password.service.js';
import { SessionService, type Session } from './session.service.js';
import { UsersService, type Credentials, type User } from './users.service.js';

/**
 * Opens, changes and deletes accounts. Passwords are hashed outside of transactions; so each change checks in its
 * transaction that the password is still the one that was hashed. Thus logins, letters and changes have one order, the
 * database's.
 */
@Injectable()
export class AccountService {
  constructor(
    private readonly database: Database,
    private readonly users: UsersService,
    private readonly passwords: PasswordService,
    private readonly attempts: PasswordAttemptsService,
    private readonly sessions: SessionService,
    private readonly outbox: MailOutboxService,
  ) {}

  /** @throws ConflictException if the e-mail or the name is taken */
  async register(email: string, username: string, password: string): Promise<Session> {
    const hash = await this.passwords.hash(password);
    const { id } = this.users.create(email, username, hash);
    const session = await this.sessions.open({ id, password: hash });
    if (!session) throw invalidCredentials();
    return session;
  }

  /**
   * Opens a session. An e-mail without an account takes the same work, is limited alike and gets the same response.
   *
   * @throws UnauthorizedException @throws TooManyRequestsException
   */
  async login(email: string, password: string): Promise<Session> {
    const session = await this.attempts.run(`login:${email}`, async () => {
      const credentials = this.users.findCredentials(email);
      const isRight = await this.passwords.matches(password, credentials?.password);
      return isRight && credentials ? this.sessions.open(credentials) : undefined;
    });
    if (!session) throw invalidCredentials();
    return session;
  }

  /** Ends all other sessions of the user. @throws ForbiddenException @throws TooManyRequestsException */
  async changePassword(caller: AccessClaims, current: string, next: string): Promise<void> {
    const confirmed = await this.#confirm(caller, current);
    const password = await this.passwords.hash(next);
    this.sessions.closeAll(
      () => {
        this.#requireUnchanged(confirmed);
        return caller.user_id;
      },
      (id) => this.#setPassword({ id, password }),
      caller,
    );
  }

  /**
   * The address changes once the token that is mailed to it comes back.
   *
   * @throws as `changePassword`
   */
  async requestEmailChange(caller: AccessClaims, email: string, password: string): Promise<void> {
    const confirmed = await this.#confirm(caller, password);
    this.database.transaction(() => {
      this.#requireUnchanged(confirmed);
      const isSent = this.outbox.put('email-change', caller.user_id, email);
      if (!isSent)
        throw new TooManyRequestsException('Too many letters', 'TOO_MANY_LETTERS', LETTER_LIFETIME_MS);
    });
  }

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

  /** Ends all sessions of the user. @throws BadRequestException */
  async confirmPasswordReset(token: string, next: string): Promise<void> {
    this.outbox.require('password-reset', token);
    const password = await this.passwords.hash(next);
    this.sessions.closeAll(
      () => {
        const { user_id, recipient } = this.outbox.redeem('password-reset', token);
        this.attempts.clear(`login:${recipient}`);
        return user_id;
      },
      (id) => this.#setPassword({ id, password }),
    );
  }

  delete(caller: AccessClaims): void {
    this.sessions.closeAll(
      () => caller.user_id,
      (id) => this.users.delete(id),
    );
  }

  #setPassword(credentials: Credentials): void {
    this.users.setPassword(credentials);
    this.outbox.void(credentials.id);
  }

  /** Gives the credentials that the password was right for. */
  async #confirm({ user_id: id, sid, jti }: AccessClaims, given: string): Promise<Credentials> {
    const confirmed = await this.attempts.run(`session:${sid ?? jti}`, async () => {
      const password = this.users.passwordOf(id);
      const isRight = await this.passwords.matches(given, password);
      return isRight && password !== undefined ? { id, password } : undefined;
    });
    if (!confirmed) throw wrongPassword();
    return confirmed;
  }

  #requireUnchanged(confirmed: Credentials): void {
    if (!this.users.hasPassword(confirmed)) throw wrongPassword();
  }
}

function invalidCredentials(): UnauthorizedException {
  return new UnauthorizedException('Invalid email or password', { errorCode: 'INVALID_CREDENTIALS' });
}

/** Not 401: that would tell a client to sign in again. */
function wrongPassword(): ForbiddenException {
  return new ForbiddenException('Wrong password', { errorCode: 'INVALID_CREDENTIALS' });
}
