import { Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Id } from '../id.schema.js';
import type { AccessClaims } from '../tokens/access-token.js';
import { Caller } from '../tokens/caller.decorator.js';
import { ContactsService } from './contacts.service.js';

const FriendsQuery = z.object({ status: z.enum(['accepted', 'pending']).default('accepted') });

@Controller('v1/users')
export class ContactsController {
  constructor(private readonly contacts: ContactsService) {}

  @Get('me/blocked')
  blocked(@Caller() caller: AccessClaims) {
    return this.contacts.blocked(caller.user_id);
  }

  @Get('me/friends')
  friends(
    @Caller() caller: AccessClaims,
    @Query({ schema: FriendsQuery }) { status }: z.infer<typeof FriendsQuery>,
  ) {
    return status === 'accepted'
      ? this.contacts.friends(caller.user_id)
      : this.contacts.requests(caller.user_id);
  }

  @Post(':id/block')
  @HttpCode(200)
  block(@Caller() caller: AccessClaims, @Param('id', { schema: Id }) id: string) {
    this.contacts.block(caller.user_id, id);
  }

  @Delete(':id/block')
  unblock(@Caller() caller: AccessClaims, @Param('id', { schema: Id }) id: string) {
    this.contacts.unblock(caller.user_id, id);
  }

  @Post(':id/friend')
  request(@Caller() caller: AccessClaims, @Param('id', { schema: Id }) id: string) {
    this.contacts.request(caller.user_id, id);
  }

  @Post('me/friends/:id/accept')
  @HttpCode(200)
  accept(@Caller() caller: AccessClaims, @Param('id', { schema: Id }) id: string) {
    this.contacts.accept(caller.user_id, id);
  }

  @Delete('me/friends/:id/reject')
  reject(@Caller() caller: AccessClaims, @Param('id', { schema: Id }) id: string) {
    this.contacts.reject(caller.user_id, id);
  }

  @Delete('me/friends/:id')
  remove(@Caller() caller: AccessClaims, @Param('id', { schema: Id }) id: string) {
    this.contacts.remove(caller.user_id, id);
  }
}
