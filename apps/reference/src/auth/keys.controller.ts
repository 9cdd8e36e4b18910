import { Body, Controller, Get, Head, HttpCode, Param, Post } from '@nestjs/common';
import { Id } from '../id.schema.js';
import type { AccessClaims } from '../tokens/access-token.js';
import { Caller } from '../tokens/caller.decorator.js';
import { KeyBundle, KeysService } from './keys.service.js';
import { UsersService } from './users.service.js';

/** Public keys only; private keys never leave their devices. */
@Controller('v1/keys')
export class KeysController {
  constructor(
    private readonly keys: KeysService,
    private readonly users: UsersService,
  ) {}

  @Post('upload')
  upload(@Caller() { user_id }: AccessClaims, @Body({ schema: KeyBundle }) bundle: KeyBundle) {
    this.users.get(user_id);
    return this.keys.upload(user_id, bundle);
  }

  @Post('rotate')
  @HttpCode(200)
  rotate(@Caller() { user_id }: AccessClaims, @Body({ schema: KeyBundle }) bundle: KeyBundle) {
    return this.keys.rotate(user_id, bundle);
  }

  /** Declared before GET, whose handler would otherwise run for HEAD and use up a one-time key. */
  @Head(':user_id')
  check(@Param('user_id', { schema: Id }) userId: string): void {
    this.keys.readOwn(userId);
  }

  @Get(':user_id')
  read(@Caller() caller: AccessClaims, @Param('user_id', { schema: Id }) userId: string) {
    const isOwner = userId === caller.user_id;
    return isOwner ? this.keys.readOwn(userId) : this.keys.readForOther(userId, caller.user_id);
  }
}
