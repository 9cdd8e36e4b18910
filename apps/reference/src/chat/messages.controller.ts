import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Id } from '../id.schema.js';
import type { AccessClaims } from '../tokens/access-token.js';
import { Caller } from '../tokens/caller.decorator.js';
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
  constructor(private readonly messages: MessagesService) {}

  @Post()
  add(@Caller() caller: AccessClaims, @Body({ schema: NewMessage }) body: z.infer<typeof NewMessage>) {
    return this.messages.add(body.conversation_id, caller.user_id, body.content, body.client_id);
  }

  @Get()
  page(@Query({ schema: PageQuery }) query: z.infer<typeof PageQuery>) {
    return this.messages.page(query.conversation_id, query.before, query.limit);
  }
}
