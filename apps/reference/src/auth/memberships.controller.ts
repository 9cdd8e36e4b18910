import { Body, Controller, Headers, HttpCode, Post } from '@nestjs/common';
import { MembershipRequest, MEMBERSHIPS_PATH } from '../memberships/membership.js';
import { Public } from '../tokens/access-token.guard.js';
import { ServiceTokens } from '../tokens/service-tokens.js';
import { ConversationsService } from './conversations.service.js';

/** Tells other services who takes part in a conversation; users have no access. */
@Controller(MEMBERSHIPS_PATH)
export class MembershipsController {
  constructor(
    private readonly conversations: ConversationsService,
    private readonly tokens: ServiceTokens,
  ) {}

  @Post()
  @Public()
  @HttpCode(200)
  async check(
    @Headers('authorization') authorization: string | undefined,
    @Body({ schema: MembershipRequest }) { memberships }: MembershipRequest,
  ) {
    await this.tokens.require(authorization);
    return this.conversations.areMembers(memberships);
  }
}
