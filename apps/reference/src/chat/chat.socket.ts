import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { z } from 'zod';
import { AuthServiceClient } from '../memberships/auth-service.client.js';
import type { Membership } from '../memberships/membership.js';
import type { Member, Room } from '../sockets/room.js';
import type { SocketEndpoint } from '../sockets/socket.endpoint.js';
import { SocketServer } from '../sockets/socket.server.js';
import type { AccessClaims } from '../tokens/access-token.js';
import { MessageContent } from './message-content.schema.js';
import { MessagesService } from './messages.service.js';

const ChatEvent = MessageContent.extend({ type: z.literal('message') });

/** Sends each message of a member to all sockets of the conversation, those of the sender included. */
@Injectable()
export class ChatSocket implements SocketEndpoint, OnApplicationBootstrap {
  readonly path = '/v1/ws/chat';
  readonly parameter = 'conversation_id';

  constructor(
    private readonly messages: MessagesService,
    private readonly authService: AuthServiceClient,
    private readonly sockets: SocketServer,
  ) {}

  onApplicationBootstrap(): void {
    this.sockets.serve(this);
  }

  async requireMembership({ user_id }: AccessClaims, conversation_id: string): Promise<Membership> {
    const membership = { conversation_id, user_id };
    await this.authService.requireMember(membership);
    return membership;
  }

  receive(member: Member, room: Room, event: unknown): void {
    const { data } = ChatEvent.safeParse(event);
    if (!data) {
      member.refuse('INVALID_MESSAGE', 'Only {"type":"message","content","client_id"?} is known');
      return;
    }
    // Stored first, so that the history has every message that was sent.
    const message = this.messages.add(room.id, member.caller.user_id, data.content, data.client_id);
    room.send({ type: 'message', ...message });
  }
}
