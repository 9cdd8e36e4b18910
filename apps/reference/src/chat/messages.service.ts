import { Injectable, NotFoundException } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { Database } from '../database.js';

export interface Message {
  readonly id: string;
  readonly conversation_id: string;
  readonly sender_id: string;
  readonly content: string;
  readonly client_id: string | null;
  readonly created_at: string;
}

export interface MessagePage {
  /** Newest first. */
  readonly messages: Message[];
  /** The value of `before` for the next page, or null at the beginning of the conversation. */
  readonly next_before: string | null;
}

@Injectable()
export class MessagesService {
  constructor(private readonly database: Database) {}

  /** Stores a message once for each `client_id` of its sender. */
  add(conversationId: string, senderId: string, content: string, clientId: string | null): Message {
    const [id, createdAt] = [randomUUID(), new Date().toISOString()];
    const isNew = this.database.run`
      INSERT INTO messages (id, conversation_id, sender_id, content, client_id, created_at)
      VALUES (${id}, ${conversationId}, ${senderId}, ${content}, ${clientId}, ${createdAt})
      ON CONFLICT (conversation_id, sender_id, client_id) DO NOTHING`;
    if (isNew) {
      return {
        id,
        conversation_id: conversationId,
        sender_id: senderId,
        content,
        client_id: clientId,
        created_at: createdAt,
      };
    }
    return this.database.row<Message>`
      SELECT id, conversation_id, sender_id, content, client_id, created_at FROM messages
      WHERE conversation_id = ${conversationId} AND sender_id = ${senderId} AND client_id = ${clientId}`!;
  }

  page(conversationId: string, before: string | undefined, limit: number): MessagePage {
    const end = before === undefined ? Number.MAX_SAFE_INTEGER : this.#positionOf(conversationId, before);
    const found = this.database.rows<Message>`
      SELECT id, conversation_id, sender_id, content, client_id, created_at FROM messages
      WHERE conversation_id = ${conversationId} AND position < ${end}
      ORDER BY position DESC LIMIT ${limit + 1}`;
    const messages = found.slice(0, limit);
    return { messages, next_before: found.length > limit ? messages.at(-1)!.id : null };
  }

  #positionOf(conversationId: string, id: string): number {
    const row = this.database.row<{ position: number }>`
      SELECT position FROM messages WHERE id = ${id} AND conversation_id = ${conversationId}`;
    if (!row) throw new NotFoundException('Message not found');
    return row.position;
  }
}
