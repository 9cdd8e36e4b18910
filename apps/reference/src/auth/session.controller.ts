import { Body, Controller, Get, HttpCode, Post } from '@nestjs/common';
import { z } from 'zod';
import { Public } from '../tokens/access-token.guard.js';
import type { AccessClaims } from '../tokens/access-token.js';
import { Caller } from '../tokens/caller.decorator.js';
import { Email, GivenPassword, Password, Username } from './account.schemas.js';
import { AccountMailService } from './account-mail.service.js';
import { AccountService } from './account.service.js';
import { SessionService } from './session.service.js';
import { UsersService } from './users.service.js';

const Registration = z.object({ email: Email, username: Username, password: Password });
const Credentials = z.object({ email: Email, password: GivenPassword });
const Refresh = z.object({ refresh_token: z.string() });
const ResetRequest = z.object({ email: Email });
const ResetConfirmation = z.object({ token: z.string(), new_password: Password });

@Controller('v1/auth')
export class SessionController {
  constructor(
    private readonly users: UsersService,
    private readonly accounts: AccountService,
    private readonly mail: AccountMailService,
    private readonly sessions: SessionService,
  ) {}

  @Post('register')
  @Public()
  register(@Body({ schema: Registration }) body: z.infer<typeof Registration>) {
    return this.accounts.register(body.email, body.username, body.password);
  }

  @Post('login')
  @Public()
  @HttpCode(200)
  login(@Body({ schema: Credentials }) body: z.infer<typeof Credentials>) {
    return this.accounts.login(body.email, body.password);
  }

  @Post('refresh')
  @Public()
  @HttpCode(200)
  refresh(@Body({ schema: Refresh }) body: z.infer<typeof Refresh>) {
    return this.sessions.refresh(body.refresh_token);
  }

  @Post('logout')
  @HttpCode(200)
  logout(@Caller() caller: AccessClaims) {
    this.sessions.close(caller);
  }

  @Get('profile')
  profile(@Caller() caller: AccessClaims) {
    return this.users.get(caller.user_id);
  }

  @Post('password-reset/request')
  @Public()
  @HttpCode(200)
  requestPasswordReset(@Body({ schema: ResetRequest }) body: z.infer<typeof ResetRequest>) {
    this.mail.requestPasswordReset(body.email);
  }

  @Post('password-reset/confirm')
  @Public()
  @HttpCode(200)
  async confirmPasswordReset(@Body({ schema: ResetConfirmation }) body: z.infer<typeof ResetConfirmation>) {
    await this.accounts.confirmPasswordReset(body.token, body.new_password);
  }
}
