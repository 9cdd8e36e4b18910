import { ForbiddenException, Injectable } from '@nestjs/common';
import type { AccessClaims } from '../tokens/access-token.js';
import { MailOutboxService } from './mail-outbox.service.js';
import { PasswordAttemptsService } from './password-attempts.service.js';
import { PasswordService } from './password.service.js';
import { UsersService, type Credentials } from './users.service.js';

/** Checks and changes the passwords of users. */
@Injectable()
export class CredentialsService {
  constructor(
    private readonly users: UsersService,
    private readonly passwords: PasswordService,
    private readonly attempts: PasswordAttemptsService,
    private readonly outbox: MailOutboxService,
  ) {}

  hash(password: string): Promise<string> {
    return this.passwords.hash(password);
  }

  /**
   * Calls `open` if the password is right. An e-mail without an account costs the same work and has the same limit.
   *
   * @returns undefined if the password is wrong or `open` gives undefined; both count as a wrong password
   * @throws TooManyRequestsException after 10 wrong passwords in 15 minutes
   */
  login<Result>(
    email: string,
    password: string,
    open: (credentials: Credentials) => Promise<Result | undefined>,
  ): Promise<Result | undefined> {
    return this.attempts.run(loginOf(email), async () => {
      const credentials = this.users.findCredentials(email);
      const isRight = await this.passwords.matches(password, credentials?.password);
      return isRight && credentials ? open(credentials) : undefined;
    });
  }

  /** Forgets the wrong passwords of logins with this e-mail. */
  forgetAttempts(email: string): void {
    this.attempts.clear(loginOf(email));
  }

  /**
   * Checks the password that a signed-in user gave once more, and returns the credentials that it belongs to.
   *
   * @throws ForbiddenException if it is wrong
   * @throws TooManyRequestsException after 10 wrong passwords in 15 minutes
   */
  async confirm({ user_id: id, sid, jti }: AccessClaims, given: string): Promise<Credentials> {
    const confirmed = await this.attempts.run(`session:${sid ?? jti}`, async () => {
      const password = this.users.passwordOf(id);
      const isRight = await this.passwords.matches(given, password);
      return isRight && password !== undefined ? { id, password } : undefined;
    });
    if (!confirmed) throw wrongPassword();
    return confirmed;
  }

  /** To be called in the transaction that depends on it. @throws ForbiddenException if the password was changed since */
  requireUnchanged(confirmed: Credentials): void {
    if (!this.users.hasPassword(confirmed)) throw wrongPassword();
  }

  /** Sets the password's hash, and voids the letters from before. To be called in a transaction. */
  change(credentials: Credentials): void {
    this.users.setPassword(credentials);
    this.outbox.void(credentials.id);
  }
}

const loginOf = (email: string): string => `login:${email}`;

/** Not 401: that would tell a client to sign in again. */
function wrongPassword(): ForbiddenException {
  return new ForbiddenException('Wrong password', { errorCode: 'INVALID_CREDENTIALS' });
}
