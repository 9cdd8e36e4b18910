import { Body, Controller, Headers, HttpCode, Post } from '@nestjs/common';
import {
  BLOCKS_PATH,
  BlocksRequest,
  MembershipRequest,
  MEMBERSHIPS_PATH,
} from '../memberships/membership.js';
import { Public } from '../tokens/access-token.guard.js';
import { ServiceTokens } from '../tokens/service-tokens.js';
import { ContactsService } from './contacts.service.js';
import { ConversationsService } from './conversations.service.js';

/** Tells other services which users take part in a conversation and which have blocked others. Users have no access. */
@Controller()
export class InternalController {
  constructor(
    private readonly conversations: ConversationsService,
    private readonly contacts: ContactsService,
    private readonly tokens: ServiceTokens,
  ) {}

  @Post(MEMBERSHIPS_PATH)
  @Public()
  @HttpCode(200)
  async checkMemberships(
    @Headers('authorization') authorization: string | undefined,
    @Body({ schema: MembershipRequest }) { memberships }: MembershipRequest,
  ) {
    await this.tokens.require(authorization);
    return this.conversations.areMembers(memberships);
  }

  @Post(BLOCKS_PATH)
  @Public()
  @HttpCode(200)
  async checkBlocks(
    @Headers('authorization') authorization: string | undefined,
    @Body({ schema: BlocksRequest }) { user_ids, other_ids }: BlocksRequest,
  ) {
    await this.tokens.require(authorization);
    return this.contacts.isAnyBlocked(user_ids, other_ids);
  }
}
