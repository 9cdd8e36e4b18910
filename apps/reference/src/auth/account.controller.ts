import { Body, Controller, Delete, ForbiddenException, Get, HttpCode, Patch, Post } from '@nestjs/common';
import { z } from 'zod';
import type { AccessClaims } from '../tokens/access-token.js';
import { Caller } from '../tokens/caller.decorator.js';
import { Email, Password, Username } from './account.schemas.js';
import { MailOutboxService } from './mail-outbox.service.js';
import { PasswordService } from './password.service.js';
import { SessionService } from './session.service.js';
import { UsersService } from './users.service.js';

const Changes = z.object({ username: Username });
const PasswordChange = z.object({ current_password: z.string().max(128), new_password: Password });
const EmailChange = z.object({ new_email: Email, password: z.string().max(128) });
const EmailVerification = z.object({ token: z.string() });

@Controller('v1/users/me')
export class AccountController {
  constructor(
    private readonly users: UsersService,
    private readonly passwords: PasswordService,
    private readonly sessions: SessionService,
    private readonly outbox: MailOutboxService,
  ) {}

  @Get()
  read(@Caller() caller: AccessClaims) {
    return this.users.get(caller.user_id);
  }

  @Patch()
  change(@Caller() caller: AccessClaims, @Body({ schema: Changes }) body: z.infer<typeof Changes>) {
    return this.users.setUsername(caller.user_id, body.username);
  }

  @Delete()
  delete(@Caller() caller: AccessClaims) {
    this.sessions.closeAll(caller.user_id);
    this.users.delete(caller.user_id);
  }

  /** Whoever else is signed in as this user is signed out. */
  @Post('password')
  @HttpCode(200)
  async changePassword(
    @Caller() caller: AccessClaims,
    @Body({ schema: PasswordChange }) body: z.infer<typeof PasswordChange>,
  ) {
    await this.#confirm(caller, body.current_password);
    this.users.setPassword(caller.user_id, await this.passwords.hash(body.new_password));
    this.sessions.closeAll(caller.user_id, caller);
  }

  /** The address changes once the token that is mailed to it comes back. */
  @Post('email')
  @HttpCode(200)
  async requestEmailChange(
    @Caller() caller: AccessClaims,
    @Body({ schema: EmailChange }) body: z.infer<typeof EmailChange>,
  ) {
    await this.#confirm(caller, body.password);
    this.outbox.put('email-change', caller.user_id, body.new_email);
  }

  @Post('email/verify')
  @HttpCode(200)
  verifyEmail(
    @Caller() caller: AccessClaims,
    @Body({ schema: EmailVerification }) body: z.infer<typeof EmailVerification>,
  ) {
    const { recipient } = this.outbox.redeem('email-change', body.token, caller.user_id);
    return this.users.setEmail(caller.user_id, recipient);
  }

  async #confirm(caller: AccessClaims, password: string): Promise<void> {
    if (await this.passwords.matches(password, this.users.passwordOf(caller.user_id))) return;
    // Not 401: that would tell a client to sign in again.
    throw new ForbiddenException('Wrong password', { errorCode: 'INVALID_CREDENTIALS' });
  }
}
