import { ConflictException, Injectable, NotFoundException } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { Database } from '../database.js';

export type CallType = 'audio' | 'video';

export interface Call {
  readonly id: string;
  readonly conversation_id: string | null;
  readonly caller_id: string;
  readonly type: CallType;
  readonly status: 'ringing' | 'active' | 'ended';
  readonly created_at: string;
  readonly started_at: string | null;
  readonly ended_at: string | null;
  /** `joined_at` is null for whom it still rings. */
  readonly participants: { readonly user_id: string; readonly joined_at: string | null }[];
}

/** Calls ring until someone called joins, and are over once any participant ends them. */
@Injectable()
export class CallsService {
  constructor(private readonly database: Database) {}

  initiate(
    callerId: string,
    calleeIds: readonly string[],
    type: CallType,
    conversationId: string | null,
  ): Call {
    const [id, now] = [randomUUID(), new Date().toISOString()];
    this.database.transaction(() => {
      this.database.run`
        INSERT INTO calls (id, conversation_id, caller_id, type, created_at)
        VALUES (${id}, ${conversationId}, ${callerId}, ${type}, ${now})`;
      this.database.run`
        INSERT INTO call_participants (call_id, user_id, joined_at) VALUES (${id}, ${callerId}, ${now})`;
      this.database.run`
        INSERT OR IGNORE INTO call_participants (call_id, user_id)
        SELECT ${id}, value FROM json_each(${JSON.stringify(calleeIds)})`;
    });
    return this.get(callerId, id);
  }

  /** To anyone but its participants, a call does not exist. */
  get(userId: string, id: string): Call {
    const call = this.database.row<Omit<Call, 'participants'>>`
      SELECT calls.* FROM calls JOIN call_participants ON call_id = id WHERE id = ${id} AND user_id = ${userId}`;
    if (!call) throw new NotFoundException('Call not found');
    const participants = this.database.rows<Call['participants'][number]>`
      SELECT user_id, joined_at FROM call_participants WHERE call_id = ${id} ORDER BY rowid`;
    return { ...call, participants };
  }

  requireOngoing(userId: string, id: string): void {
    const { status } = this.get(userId, id);
    if (status === 'ended') throw new ConflictException('Call has ended', { errorCode: 'CALL_ENDED' });
  }

  join(userId: string, id: string): Call {
    this.requireOngoing(userId, id);
    const now = new Date().toISOString();
    this.database.transaction(() => {
      this.database.run`
        UPDATE call_participants SET joined_at = coalesce(joined_at, ${now})
        WHERE call_id = ${id} AND user_id = ${userId}`;
      this.database.run`
        UPDATE calls SET status = 'active', started_at = ${now}
        WHERE id = ${id} AND status = 'ringing' AND caller_id <> ${userId}`;
    });
    return this.get(userId, id);
  }

  /** Ending an ended call changes nothing, since both sides may hang up at once. */
  end(userId: string, id: string): Call {
    this.get(userId, id);
    this.database.run`
      UPDATE calls SET status = 'ended', ended_at = ${new Date().toISOString()}
      WHERE id = ${id} AND status <> 'ended'`;
    return this.get(userId, id);
  }
}
