import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { z } from 'zod';
import { Id } from '../id.schema.js';
import type { Membership } from '../memberships/membership.js';
import { CLOSURE, sendToAll, type Closure, type Member, type Room } from '../sockets/room.js';
import type { SocketEndpoint } from '../sockets/socket.endpoint.js';
import { SocketServer } from '../sockets/socket.server.js';
import type { AccessClaims } from '../tokens/access-token.js';
import { CallsService } from './calls.service.js';

const MAX_SIGNAL_BYTES = 64 * 1024;
/** The most nested objects and arrays, above those of a description or a candidate. */
const MAX_SIGNAL_DEPTH = 32;

const Signal = z.object({
  type: z.enum(['offer', 'answer', 'ice']),
  to: Id,
  data: z.unknown().refine((data) => !isDeeper(data, MAX_SIGNAL_DEPTH)),
});

/** Passes WebRTC's offers, answers and candidates between two participants of a call. */
@Injectable()
export class SignalingSocket implements SocketEndpoint, OnApplicationBootstrap {
  readonly path = '/v1/calls/ws/signaling';
  readonly parameter = 'call_id';
  readonly messageLimitBytes = MAX_SIGNAL_BYTES;

  constructor(
    private readonly calls: CallsService,
    private readonly sockets: SocketServer,
  ) {}

  onApplicationBootstrap(): void {
    this.sockets.serve(this);
  }

  async requireMembership({ user_id }: AccessClaims, callId: string): Promise<Membership | null> {
    const { conversation_id } = await this.calls.getOngoing(user_id, callId);
    return conversation_id === null ? null : { conversation_id, user_id };
  }

  findClosed(callIds: readonly string[]): ReadonlyMap<string, Closure> {
    return new Map(this.calls.findEnded(callIds).map((id) => [id, CLOSURE.CALL_ENDED]));
  }

  receive(member: Member, room: Room, event: unknown): void {
    const { data: signal } = Signal.safeParse(event);
    if (!signal) {
      member.refuse(
        'INVALID_MESSAGE',
        `Only {"type":"offer"|"answer"|"ice","to","data"} is known, with at most ${MAX_SIGNAL_DEPTH} levels in \`data\``,
      );
      return;
    }
    const { type, to, data } = signal;
    const targets = [...room.members].filter(({ user }) => user.user_id === to);
    if (targets.length === 0) member.refuse('NOT_IN_CALL', 'No participant of the call has this id');
    else sendToAll(targets, { type, from: member.caller.user_id, data });
  }
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1));
}
