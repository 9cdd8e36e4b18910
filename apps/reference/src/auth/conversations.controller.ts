import { Body, Controller, Delete, Get, Param, Patch, Post, Put, Query } from '@nestjs/common';
import { z } from 'zod';
import { Id } from '../id.schema.js';
import type { AccessClaims } from '../tokens/access-token.js';
import { Caller } from '../tokens/caller.decorator.js';
import { ConversationsService } from './conversations.service.js';

const Title = z.string().trim().min(1).max(200).nullable();
const Creation = z.object({ title: Title.default(null), participant_ids: z.array(Id).max(100).default([]) });
const Page = z.object({ limit: z.coerce.number().int().min(1).max(100).default(50) });
const Changes = z.object({ title: Title });
const Settings = z.object({
  is_e2ee_enabled: z.boolean(),
  message_ttl_seconds: z.number().int().positive().nullable(),
});
const Additions = z.object({ user_ids: z.array(Id).min(1).max(100) });

@Controller('v1/conversations')
export class ConversationsController {
  constructor(private readonly conversations: ConversationsService) {}

  @Post()
  create(@Caller() caller: AccessClaims, @Body({ schema: Creation }) body: z.infer<typeof Creation>) {
    return this.conversations.create(caller.user_id, body.title, body.participant_ids);
  }

  @Get()
  list(@Caller() caller: AccessClaims, @Query({ schema: Page }) { limit }: z.infer<typeof Page>) {
    return this.conversations.list(caller.user_id, limit);
  }

  @Get(':id')
  read(@Caller() caller: AccessClaims, @Param('id', { schema: Id }) id: string) {
    return this.conversations.get(caller.user_id, id);
  }

  @Patch(':id')
  change(
    @Caller() caller: AccessClaims,
    @Param('id', { schema: Id }) id: string,
    @Body({ schema: Changes }) body: z.infer<typeof Changes>,
  ) {
    return this.conversations.rename(caller.user_id, id, body.title);
  }

  @Delete(':id')
  delete(@Caller() caller: AccessClaims, @Param('id', { schema: Id }) id: string) {
    this.conversations.delete(caller.user_id, id);
  }

  @Put(':id/settings')
  configure(
    @Caller() caller: AccessClaims,
    @Param('id', { schema: Id }) id: string,
    @Body({ schema: Settings }) body: z.infer<typeof Settings>,
  ) {
    return this.conversations.configure(caller.user_id, id, body);
  }

  @Get(':id/participants')
  participants(@Caller() caller: AccessClaims, @Param('id', { schema: Id }) id: string) {
    return this.conversations.get(caller.user_id, id).participants;
  }

  @Post(':id/participants')
  addParticipants(
    @Caller() caller: AccessClaims,
    @Param('id', { schema: Id }) id: string,
    @Body({ schema: Additions }) body: z.infer<typeof Additions>,
  ) {
    return this.conversations.addParticipants(caller.user_id, id, body.user_ids).participants;
  }

  @Delete(':id/participants/:userId')
  removeParticipant(
    @Caller() caller: AccessClaims,
    @Param('id', { schema: Id }) id: string,
    @Param('userId', { schema: Id }) userId: string,
  ) {
    this.conversations.removeParticipant(caller.user_id, id, userId);
  }
}
