import { ConflictException, Injectable, NotFoundException } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { Database } from '../database.js';
import { Id } from '../id.schema.js';
import { AuthServiceClient } from '../memberships/auth-service.client.js';

export const NewCall = z.object({
  conversation_id: Id.nullable().default(null),
  callee_ids: z.array(Id).min(1).max(50),
  type: z.enum(['audio', 'video']),
});
export type NewCall = z.infer<typeof NewCall>;

export interface Call {
  readonly id: string;
  readonly conversation_id: string | null;
  readonly caller_id: string;
  readonly type: NewCall['type'];
  readonly status: 'ringing' | 'active' | 'ended';
  readonly created_at: string;
  readonly started_at: string | null;
  readonly ended_at: string | null;
  /** `joined_at` is null for users who have not joined yet. */
  readonly participants: { readonly user_id: string; readonly joined_at: string | null }[];
}

/**
 * A call rings until a callee joins, and ends when any participant ends it. A call of a conversation is for the current
 * members of the conversation only.
 */
@Injectable()
export class CallsService {
  constructor(
    private readonly database: Database,
    private readonly authService: AuthServiceClient,
  ) {}

  /**
   * @throws NotFoundException if the caller or a callee is not in the conversation
   * @throws BlockedException if one has blocked another
   */
  async initiate(callerId: string, { conversation_id, callee_ids, type }: NewCall): Promise<Call> {
    const userIds = [callerId, ...callee_ids];
    await this.#requireMembers(conversation_id, userIds);
    // In a conversation the callees know each other already, so only blocks with the caller count. Without a conversation,
    // blocks between any two count.
    await this.authService.requireUnblocked(conversation_id === null ? userIds : [callerId], callee_ids);
    const [id, now] = [randomUUID(), new Date().toISOString()];
    this.database.transaction(() => {
      this.database.run`
        INSERT INTO calls (id, conversation_id, caller_id, type, created_at)
        VALUES (${id}, ${conversation_id}, ${callerId}, ${type}, ${now})`;
      this.database.run`
        INSERT INTO call_participants (call_id, user_id, joined_at) VALUES (${id}, ${callerId}, ${now})`;
      this.database.run`
        INSERT OR IGNORE INTO call_participants (call_id, user_id)
        SELECT ${id}, value FROM json_each(${JSON.stringify(callee_ids)})`;
    });
    return this.#read(callerId, id);
  }

  /** For users who do not take part, a call does not exist. @throws NotFoundException */
  async get(userId: string, id: string): Promise<Call> {
    const { conversation_id } = this.#read(userId, id);
    await this.#requireMembers(conversation_id, [userId]);
    return this.#read(userId, id);
  }

  /** @throws NotFoundException if the user is no participant @throws ConflictException if the call has ended */
  async getOngoing(userId: string, id: string): Promise<Call> {
    const call = await this.get(userId, id);
    if (call.status === 'ended') throw callEnded();
    return call;
  }

  async join(userId: string, id: string): Promise<Call> {
    await this.getOngoing(userId, id);
    const now = new Date().toISOString();
    this.database.transaction(() => {
      this.database.run`
        UPDATE call_participants SET joined_at = coalesce(joined_at, ${now})
        WHERE call_id = ${id} AND user_id = ${userId}`;
      this.database.run`
        UPDATE calls SET status = 'active', started_at = ${now}
        WHERE id = ${id} AND status = 'ringing' AND caller_id <> ${userId}`;
    });
    return this.#read(userId, id);
  }

  /** Does nothing if the call has ended: both ends may hang up at once. */
  async end(userId: string, id: string): Promise<Call> {
    await this.get(userId, id);
    this.database.run`
      UPDATE calls SET status = 'ended', ended_at = ${new Date().toISOString()}
      WHERE id = ${id} AND status <> 'ended'`;
    return this.#read(userId, id);
  }

  findEnded(ids: readonly string[]): string[] {
    const rows = this.database.rows<{ id: string }>`
      SELECT id FROM calls WHERE status = 'ended' AND id IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`;
    return rows.map(({ id }) => id);
  }

  #read(userId: string, id: string): Call {
    const call = this.database.row<Omit<Call, 'participants'>>`
      SELECT calls.* FROM calls JOIN call_participants ON call_id = id WHERE id = ${id} AND user_id = ${userId}`;
    if (!call) throw new NotFoundException('Call not found');
    const participants = this.database.rows<Call['participants'][number]>`
      SELECT user_id, joined_at FROM call_participants WHERE call_id = ${id} ORDER BY rowid`;
    return { ...call, participants };
  }

  async #requireMembers(conversation_id: string | null, userIds: readonly string[]): Promise<void> {
    if (conversation_id === null) return;
    const nonMembers = await this.authService.findNonMembers(
      userIds.map((user_id) => ({ conversation_id, user_id })),
    );
    if (nonMembers.some(({ user_id }) => user_id === userIds[0])) {
      throw new NotFoundException('Conversation not found');
    }
    if (nonMembers.length > 0) throw new NotFoundException('Participant not found');
  }
}

function callEnded(): ConflictException {
  return new ConflictException('Call has ended', { errorCode: 'CALL_ENDED' });
}
