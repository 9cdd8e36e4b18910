import { Body, Controller, Get, HttpCode, Post, UnauthorizedException } from '@nestjs/common';
import { z } from 'zod';
import { Public } from '../tokens/access-token.guard.js';
import type { AccessClaims } from '../tokens/access-token.js';
import { Caller } from '../tokens/caller.decorator.js';
import { Email, Password, Username } from './account.schemas.js';
import { MailOutboxService } from './mail-outbox.service.js';
import { PasswordService } from './password.service.js';
import { SessionService } from './session.service.js';
import { UsersService } from './users.service.js';

const Registration = z.object({ email: Email, username: Username, password: Password });
const Credentials = z.object({ email: Email, password: z.string().max(128) });
const Refresh = z.object({ refresh_token: z.string() });
const ResetRequest = z.object({ email: Email });
const ResetConfirmation = z.object({ token: z.string(), new_password: Password });

@Controller('v1/auth')
export class SessionController {
  constructor(
    private readonly users: UsersService,
    private readonly passwords: PasswordService,
    private readonly sessions: SessionService,
    private readonly outbox: MailOutboxService,
  ) {}

  @Post('register')
  @Public()
  async register(@Body({ schema: Registration }) body: z.infer<typeof Registration>) {
    const user = this.users.create(body.email, body.username, await this.passwords.hash(body.password));
    return { user, ...(await this.sessions.open(user)) };
  }

  @Post('login')
  @Public()
  @HttpCode(200)
  async login(@Body({ schema: Credentials }) body: z.infer<typeof Credentials>) {
    const id = this.users.findIdByEmail(body.email);
    if (!(await this.passwords.matches(body.password, this.users.passwordOf(id))) || id === undefined) {
      throw new UnauthorizedException('Invalid email or password', { errorCode: 'INVALID_CREDENTIALS' });
    }
    const user = this.users.get(id);
    return { user, ...(await this.sessions.open(user)) };
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

  /** Answers the same whether or not the address is registered. */
  @Post('password-reset/request')
  @Public()
  @HttpCode(200)
  requestPasswordReset(@Body({ schema: ResetRequest }) body: z.infer<typeof ResetRequest>) {
    const id = this.users.findIdByEmail(body.email);
    if (id !== undefined) this.outbox.put('password-reset', id, body.email);
  }

  @Post('password-reset/confirm')
  @Public()
  @HttpCode(200)
  async confirmPasswordReset(@Body({ schema: ResetConfirmation }) body: z.infer<typeof ResetConfirmation>) {
    const { user_id } = this.outbox.redeem('password-reset', body.token);
    this.users.setPassword(user_id, await this.passwords.hash(body.new_password));
    this.sessions.closeAll(user_id);
  }
}
