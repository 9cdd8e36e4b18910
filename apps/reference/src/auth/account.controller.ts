import { Body, Controller, Delete, Get, HttpCode, Patch, Post } from '@nestjs/common';
import { z } from 'zod';
import type { AccessClaims } from '../tokens/access-token.js';
import { Caller } from '../tokens/caller.decorator.js';
import { Email, GivenPassword, Password, Username } from './account.schemas.js';
import { AccountMailService } from './account-mail.service.js';
import { AccountService } from './account.service.js';
import { UsersService } from './users.service.js';

const Changes = z.object({ username: Username });
const PasswordChange = z.object({ current_password: GivenPassword, new_password: Password });
const EmailChange = z.object({ new_email: Email, password: GivenPassword });
const EmailVerification = z.object({ token: z.string() });

@Controller('v1/users/me')
export class AccountController {
  constructor(
    private readonly users: UsersService,
    private readonly accounts: AccountService,
    private readonly mail: AccountMailService,
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
    this.accounts.delete(caller);
  }

  @Post('password')
  @HttpCode(200)
  async changePassword(
    @Caller() caller: AccessClaims,
    @Body({ schema: PasswordChange }) body: z.infer<typeof PasswordChange>,
  ) {
    await this.accounts.changePassword(caller, body.current_password, body.new_password);
  }

  @Post('email')
  @HttpCode(200)
  async requestEmailChange(
    @Caller() caller: AccessClaims,
    @Body({ schema: EmailChange }) body: z.infer<typeof EmailChange>,
  ) {
    await this.mail.requestEmailChange(caller, body.new_email, body.password);
  }

  @Post('email/verify')
  @HttpCode(200)
  verifyEmail(
    @Caller() caller: AccessClaims,
    @Body({ schema: EmailVerification }) body: z.infer<typeof EmailVerification>,
  ) {
    return this.mail.verifyEmail(caller, body.token);
  }
}
