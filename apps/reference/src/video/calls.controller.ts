import { BadRequestException, Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { Id } from '../id.schema.js';
import { CLOSURE } from '../sockets/room.js';
import { SocketRooms } from '../sockets/socket.rooms.js';
import type { AccessClaims } from '../tokens/access-token.js';
import { Caller } from '../tokens/caller.decorator.js';
import { CallsService, NewCall } from './calls.service.js';

@Controller('v1/calls')
export class CallsController {
  constructor(
    private readonly calls: CallsService,
    private readonly rooms: SocketRooms,
  ) {}

  @Post('initiate')
  initiate(@Caller() caller: AccessClaims, @Body({ schema: NewCall }) body: NewCall) {
    if (body.callee_ids.includes(caller.user_id)) throw new BadRequestException('You cannot call yourself');
    return this.calls.initiate(caller.user_id, body);
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
  async end(@Caller() caller: AccessClaims, @Param('id', { schema: Id }) id: string) {
    const call = await this.calls.end(caller.user_id, id);
    // Other processes close the sockets of the call within a second.
    this.rooms.closeRoom(id, CLOSURE.CALL_ENDED);
    return call;
  }
}
