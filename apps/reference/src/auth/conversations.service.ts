import { ConflictException, ForbiddenException, Injectable, NotFoundException } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { Database } from '../database.js';
import type { Membership } from '../memberships/membership.js';
import { ContactsService } from './contacts.service.js';

export interface ConversationSettings {
  readonly is_e2ee_enabled: boolean;
  /** Seconds after which clients delete messages; null keeps them. */
  readonly message_ttl_seconds: number | null;
}

export interface Participant {
  readonly user_id: string;
  readonly username: string;
  readonly role: 'owner' | 'member';
  readonly joined_at: string;
}

export interface Conversation {
  readonly id: string;
  readonly title: string | null;
  readonly owner_id: string;
  readonly settings: ConversationSettings;
  readonly created_at: string;
  readonly updated_at: string;
  /** In the order of joining. A list of conversations has the first ten of each. */
  readonly participants: Participant[];
  readonly participant_count: number;
}

type Row = Omit<Conversation, 'settings' | 'participants' | 'participant_count'> & { settings: string };

const MAX_PARTICIPANTS = 256;
/** Participants of each conversation in a list of conversations. */
const LISTED_PARTICIPANTS = 10;

const DEFAULT_SETTINGS: ConversationSettings = { is_e2ee_enabled: true, message_ttl_seconds: null };

/** Conversations and their participants. For all other users a conversation does not exist. */
@Injectable()
export class ConversationsService {
  constructor(
    private readonly database: Database,
    private readonly contacts: ContactsService,
  ) {}

  create(ownerId: string, title: string | null, userIds: readonly string[]): Conversation {
    const [id, created] = [randomUUID(), now()];
    this.database.transaction(() => {
      const all = [ownerId, ...userIds];
      this.#requireKnown(all);
      this.contacts.requireUnblocked(all, all);
      this.database.run`
        INSERT INTO conversations (id, title, owner_id, settings, created_at, updated_at)
        VALUES (${id}, ${title}, ${ownerId}, ${JSON.stringify(DEFAULT_SETTINGS)}, ${created}, ${created})`;
      this.#insertParticipants(id, all);
    });
    return this.get(ownerId, id);
  }

  list(userId: string, limit: number): Conversation[] {
    const rows = this.database.rows<Row>`
      SELECT conversations.* FROM conversations JOIN participants ON conversation_id = id
      WHERE user_id = ${userId} ORDER BY updated_at DESC, id LIMIT ${limit}`;
    return rows.map((row) => this.#complete(row, LISTED_PARTICIPANTS));
  }

  get(userId: string, id: string): Conversation {
    const row = this.database.row<Row>`
      SELECT conversations.* FROM conversations JOIN participants ON conversation_id = id
      WHERE id = ${id} AND user_id = ${userId}`;
    if (!row) throw new NotFoundException('Conversation not found');
    return this.#complete(row, MAX_PARTICIPANTS);
  }

  /** Whether each user takes part in the conversation, in the order of the memberships. */
  areMembers(memberships: readonly Membership[]): boolean[] {
    const rows = this.database.rows<{ is_member: number }>`
      SELECT EXISTS (
        SELECT 1 FROM participants
        WHERE conversation_id = value ->> 'conversation_id' AND user_id = value ->> 'user_id') AS is_member
      FROM json_each(${JSON.stringify(memberships)}) ORDER BY key`;
    return rows.map(({ is_member }) => is_member === 1);
  }

  rename(userId: string, id: string, title: string | null): Conversation {
    return this.#change(userId, id, () => {
      this.database.run`UPDATE conversations SET title = ${title}, updated_at = ${now()} WHERE id = ${id}`;
    });
  }

  configure(userId: string, id: string, settings: ConversationSettings): Conversation {
    return this.#change(userId, id, () => {
      this.database.run`
        UPDATE conversations SET settings = ${JSON.stringify(settings)}, updated_at = ${now()} WHERE id = ${id}`;
    });
  }

  delete(userId: string, id: string): void {
    this.database.transaction(() => {
      this.#requireOwner(this.get(userId, id), userId);
      this.database.run`DELETE FROM conversations WHERE id = ${id}`;
    });
  }

  /** @throws BlockedException if one of all participants has blocked another, new ones included */
  addParticipants(userId: string, id: string, userIds: readonly string[]): Conversation {
    return this.#change(userId, id, () => {
      this.#requireKnown(userIds);
      const present = this.#participantIds(id);
      const added = userIds.filter((newId) => !present.includes(newId));
      this.contacts.requireUnblocked(added, [...present, ...added]);
      this.#insertParticipants(id, added);
    });
  }

  /** Participants may leave, except for the owner. Only the owner may remove others. */
  removeParticipant(userId: string, id: string, leaverId: string): void {
    this.database.transaction(() => {
      const conversation = this.get(userId, id);
      if (leaverId !== userId) this.#requireOwner(conversation, userId);
      if (leaverId === conversation.owner_id) {
        throw new ConflictException('The owner cannot leave, only delete the conversation');
      }
      const removed = this.database.run`
        DELETE FROM participants WHERE conversation_id = ${id} AND user_id = ${leaverId}`;
      if (!removed) throw new NotFoundException('Participant not found');
    });
  }

  /** Checks the membership in the transaction of the change, so that a removed user changes nothing. */
  #change(userId: string, id: string, change: () => void): Conversation {
    return this.database.transaction(() => {
      this.get(userId, id);
      change();
      return this.get(userId, id);
    });
  }

  /** @param most the most participants in the result */
  #complete(row: Row, most: number): Conversation {
    const participants = this.database.rows<Participant>`
      SELECT user_id, username, iif(user_id = ${row.owner_id}, 'owner', 'member') AS role, joined_at
      FROM participants JOIN users ON users.id = user_id
      WHERE conversation_id = ${row.id} ORDER BY joined_at, participants.rowid LIMIT ${most}`;
    return {
      ...row,
      settings: JSON.parse(row.settings) as ConversationSettings,
      participants,
      participant_count: this.#countParticipants(row.id),
    };
  }

  #countParticipants(id: string): number {
    return this.database.row<{ count: number }>`
      SELECT count(*) AS count FROM participants WHERE conversation_id = ${id}`!.count;
  }

  #insertParticipants(id: string, userIds: readonly string[]): void {
    this.database.run`
      INSERT OR IGNORE INTO participants (conversation_id, user_id, joined_at)
      SELECT ${id}, value, ${now()} FROM json_each(${JSON.stringify(userIds)})`;
    if (this.#countParticipants(id) > MAX_PARTICIPANTS) {
      throw new ConflictException(`A conversation has at most ${MAX_PARTICIPANTS} participants`, {
        errorCode: 'TOO_MANY_PARTICIPANTS',
      });
    }
  }

  #participantIds(id: string): string[] {
    const rows = this.database.rows<{ user_id: string }>`
      SELECT user_id FROM participants WHERE conversation_id = ${id}`;
    return rows.map(({ user_id }) => user_id);
  }

  #requireKnown(userIds: readonly string[]): void {
    const unknown = this.database.row`
      SELECT 1 FROM json_each(${JSON.stringify(userIds)}) WHERE value NOT IN (SELECT id FROM users)`;
    if (unknown) throw new NotFoundException('User not found');
  }

  #requireOwner(conversation: Conversation, userId: string): void {
    if (conversation.owner_id !== userId) throw new ForbiddenException('Only the owner may do this');
  }
}

function now(): string {
  return new Date().toISOString();
}
