import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Id } from '../id.schema.js';
import type { AccessClaims } from '../tokens/access-token.js';
import { Caller } from '../tokens/caller.decorator.js';
import { MessagesService } from './messages.service.js';

const NewMessage = z.object({
  conversation_id: Id,
  content: z.string().min(1).max(65_536),
  client_id: z.string().min(1).max(100).nullable().default(null),
});
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
