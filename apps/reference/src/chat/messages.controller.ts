import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { ByteRateService, TOO_MANY_BYTES } from '../byte-rate.service.js';
import { Id } from '../id.schema.js';
import { AuthServiceClient } from '../memberships/auth-service.client.js';
import type { AccessClaims } from '../tokens/access-token.js';
import { Caller } from '../tokens/caller.decorator.js';
import { TooManyRequestsException } from '../too-many-requests.exception.js';
import { MessageContent } from './message-content.schema.js';
import { MessagesService } from './messages.service.js';

const NewMessage = MessageContent.extend({ conversation_id: Id });
const PageQuery = z.object({
  conversation_id: Id,
  before: Id.optional(),
  limit: z.coerce.number().int().min(1).max(100).default(50),
});

@Controller('v1/messages')
export class MessagesController {
  constructor(
    private readonly messages: MessagesService,
    private readonly authService: AuthServiceClient,
    private readonly rate: ByteRateService,
  ) {}

  @Post()
  async add(
    @Caller() { user_id }: AccessClaims,
    @Body({ schema: NewMessage }) { conversation_id, content, client_id }: z.infer<typeof NewMessage>,
  ) {
    const waitMs = this.rate.consume(user_id, Buffer.byteLength(content));
    if (waitMs > 0) throw new TooManyRequestsException(TOO_MANY_BYTES.message, TOO_MANY_BYTES.code, waitMs);
    await this.authService.requireMember({ conversation_id, user_id });
    return this.messages.add(conversation_id, user_id, content, client_id);
  }

  @Get()
  async page(
    @Caller() { user_id }: AccessClaims,
    @Query({ schema: PageQuery }) { conversation_id, before, limit }: z.infer<typeof PageQuery>,
  ) {
    await this.authService.requireMember({ conversation_id, user_id });
    return this.messages.page(conversation_id, before, limit);
  }
}
