import { ConflictException, Injectable, NotFoundException } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { Database, isTaken } from '../database.js';

export interface User {
  readonly id: string;
  readonly email: string;
  readonly username: string;
  readonly role: 'user' | 'admin';
  readonly created_at: string;
  readonly updated_at: string;
}

/** A user and the stored hash of the password. Each change of the password gives another hash. */
export interface Credentials {
  readonly id: string;
  readonly password: string;
}

@Injectable()
export class UsersService {
  constructor(private readonly database: Database) {}

  create(email: string, username: string, password: string): User {
    const [id, createdAt] = [randomUUID(), new Date().toISOString()];
    unlessTaken(
      () =>
        this.database.run`
        INSERT INTO users (id, email, username, password, created_at, updated_at)
        VALUES (${id}, ${email}, ${username}, ${password}, ${createdAt}, ${createdAt})`,
    );
    return this.get(id);
  }

  get(id: string): User {
    const user = this.database.row<User>`
      SELECT id, email, username, role, created_at, updated_at FROM users WHERE id = ${id}`;
    if (!user) throw new NotFoundException('User not found');
    return user;
  }

  findIdByEmail(email: string): string | undefined {
    return this.database.row<{ id: string }>`SELECT id FROM users WHERE email = ${email}`?.id;
  }

  findCredentials(email: string): Credentials | undefined {
    return this.database.row<Credentials>`SELECT id, password FROM users WHERE email = ${email}`;
  }

  /** The password's hash, or undefined if there is no such user. */
  passwordOf(id: string): string | undefined {
    return this.database.row<{ password: string }>`SELECT password FROM users WHERE id = ${id}`?.password;
  }

  /** Whether the user still has this hash. To be called in the transaction that depends on it. */
  hasPassword({ id, password }: Credentials): boolean {
    return this.passwordOf(id) === password;
  }

  setPassword({ id, password }: Credentials): void {
    this.database.run`UPDATE users SET password = ${password}, updated_at = ${now()} WHERE id = ${id}`;
  }

  setUsername(id: string, username: string): User {
    unlessTaken(
      () =>
        this.database.run`UPDATE users SET username = ${username}, updated_at = ${now()} WHERE id = ${id}`,
    );
    return this.get(id);
  }

  setEmail(id: string, email: string): User {
    unlessTaken(
      () => this.database.run`UPDATE users SET email = ${email}, updated_at = ${now()} WHERE id = ${id}`,
    );
    return this.get(id);
  }

  /** Deletes all data of the user, too. */
  delete(id: string): void {
    this.database.run`DELETE FROM users WHERE id = ${id}`;
  }
}

function now(): string {
  return new Date().toISOString();
}

function unlessTaken(write: () => void): void {
  try {
    write();
  } catch (error) {
    if (isTaken(error, 'users.email')) {
      throw new ConflictException('Email is already registered', { errorCode: 'EMAIL_TAKEN' });
    }
    if (isTaken(error, 'users.username')) {
      throw new ConflictException('Username is already taken', { errorCode: 'USERNAME_TAKEN' });
    }
    throw error;
  }
}
