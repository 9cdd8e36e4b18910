import { BadRequestException, ConflictException, Injectable, NotFoundException } from '@nestjs/common';
import { BlockedException } from '../blocked.exception.js';
import { Database } from '../database.js';
import { UsersService } from './users.service.js';

export interface Contact {
  readonly id: string;
  readonly username: string;
  readonly since: string;
}

/** The most users in a list. Further ones are left out. */
const MAX_LISTED = 1_000;

/** Friends, friend requests and blocks. */
@Injectable()
export class ContactsService {
  constructor(
    private readonly database: Database,
    private readonly users: UsersService,
  ) {}

  friends(userId: string): Contact[] {
    return this.database.rows<Contact>`
      SELECT users.id, username, since FROM friendships
      JOIN users ON users.id = iif(requester_id = ${userId}, addressee_id, requester_id)
      WHERE status = 'accepted' AND ${userId} IN (requester_id, addressee_id) ORDER BY username LIMIT ${MAX_LISTED}`;
  }

  /** The users whose friend requests this user has not answered. */
  requests(userId: string): Contact[] {
    return this.database.rows<Contact>`
      SELECT users.id, username, since FROM friendships JOIN users ON users.id = requester_id
      WHERE status = 'pending' AND addressee_id = ${userId} ORDER BY since LIMIT ${MAX_LISTED}`;
  }

  request(userId: string, otherId: string): void {
    this.#requireOther(userId, otherId);
    this.requireUnblocked([userId], [otherId]);
    const exists = this.database.row`
      SELECT 1 FROM friendships WHERE (requester_id, addressee_id) IN
        (VALUES (${userId}, ${otherId}), (${otherId}, ${userId}))`;
    if (exists) throw new ConflictException('Already friends, or a request is pending');
    this.database.run`
      INSERT INTO friendships (requester_id, addressee_id, since) VALUES (${userId}, ${otherId}, ${now()})`;
  }

  accept(userId: string, requesterId: string): void {
    const accepted = this.database.run`
      UPDATE friendships SET status = 'accepted', since = ${now()}
      WHERE requester_id = ${requesterId} AND addressee_id = ${userId} AND status = 'pending'`;
    if (!accepted) throw new NotFoundException('Friend request not found');
  }

  reject(userId: string, requesterId: string): void {
    const rejected = this.database.run`
      DELETE FROM friendships
      WHERE requester_id = ${requesterId} AND addressee_id = ${userId} AND status = 'pending'`;
    if (!rejected) throw new NotFoundException('Friend request not found');
  }

  /** Ends a friendship, or withdraws a request. */
  remove(userId: string, otherId: string): void {
    const removed = this.database.run`
      DELETE FROM friendships WHERE (requester_id = ${userId} AND addressee_id = ${otherId})
        OR (requester_id = ${otherId} AND addressee_id = ${userId} AND status = 'accepted')`;
    if (!removed) throw new NotFoundException('Friend not found');
  }

  blocked(userId: string): Contact[] {
    return this.database.rows<Contact>`
      SELECT users.id, username, since FROM blocks JOIN users ON users.id = blocked_id
      WHERE blocker_id = ${userId} ORDER BY since LIMIT ${MAX_LISTED}`;
  }

  block(userId: string, otherId: string): void {
    this.#requireOther(userId, otherId);
    this.database.transaction(() => {
      this.database.run`
        INSERT OR IGNORE INTO blocks (blocker_id, blocked_id, since) VALUES (${userId}, ${otherId}, ${now()})`;
      this.database.run`
        DELETE FROM friendships WHERE (requester_id, addressee_id) IN
          (VALUES (${userId}, ${otherId}), (${otherId}, ${userId}))`;
    });
  }

  unblock(userId: string, otherId: string): void {
    this.database.run`DELETE FROM blocks WHERE blocker_id = ${userId} AND blocked_id = ${otherId}`;
  }

  /** @throws BlockedException if a user of one list has blocked a user of the other */
  requireUnblocked(userIds: readonly string[], otherIds: readonly string[]): void {
    if (this.isAnyBlocked(userIds, otherIds)) throw new BlockedException();
  }

  /** Whether a user of one list has blocked a user of the other. */
  isAnyBlocked(userIds: readonly string[], otherIds: readonly string[]): boolean {
    const [users, others] = [JSON.stringify(userIds), JSON.stringify(otherIds)];
    const blocked = this.database.row`
      SELECT 1 FROM blocks
      WHERE (blocker_id IN (SELECT value FROM json_each(${users}))
          AND blocked_id IN (SELECT value FROM json_each(${others})))
        OR (blocker_id IN (SELECT value FROM json_each(${others}))
          AND blocked_id IN (SELECT value FROM json_each(${users})))`;
    return blocked !== undefined;
  }

  #requireOther(userId: string, otherId: string): void {
    if (userId === otherId) throw new BadRequestException('The id is your own');
    this.users.get(otherId);
  }
}

function now(): string {
  return new Date().toISOString();
}
