import { BadRequestException, Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { Id } from '../id.schema.js';
import type { AccessClaims } from '../tokens/access-token.js';
import { Caller } from '../tokens/caller.decorator.js';
import { CallsService } from './calls.service.js';

const NewCall = z.object({
  conversation_id: Id.nullable().default(null),
  callee_ids: z.array(Id).min(1).max(50),
  type: z.enum(['audio', 'video']),
});

@Controller('v1/calls')
export class CallsController {
  constructor(private readonly calls: CallsService) {}

  @Post('initiate')
  initiate(@Caller() caller: AccessClaims, @Body({ schema: NewCall }) body: z.infer<typeof NewCall>) {
    if (body.callee_ids.includes(caller.user_id)) throw new BadRequestException('You cannot call yourself');
    return this.calls.initiate(caller.user_id, body.callee_ids, body.type, body.conversation_id);
  }

  @Get(':id')
  read(@Caller() caller: AccessClaims, @Param('id', { schema: Id }) id: string) {
    return this.calls.get(caller.user_id, id);
  }

  @Post(':id/join')
  @HttpCode(200)
  join(@Caller() caller: AccessClaims, @Param('id', { schema: Id }) id: string) {
    return this.calls.join(caller.user_id, id);
  }

  @Post(':id/end')
  @HttpCode(200)
  end(@Caller() caller: AccessClaims, @Param('id', { schema: Id }) id: string) {
    return this.calls.end(caller.user_id, id);
  }
}
