import { Injectable } from '@nestjs/common';
import { Counter, Gauge } from 'prom-client';
import { Database, type AddedColumn } from '../database.js';
import { MetricsService } from '../metrics.service.js';

/** The most pending revocations. Above it the oldest ones of the user with the most are dropped. */
const MOST = 10_000;

/** Ordered by rowid. */
export const REVOCATION_TABLES = `
  CREATE TABLE IF NOT EXISTS pending_revocations (
    key TEXT PRIMARY KEY,
    expires_at INTEGER NOT NULL,
    user_id TEXT NOT NULL DEFAULT '',
    is_session INTEGER NOT NULL DEFAULT 0
  ) STRICT;
`;

/** Columns that databases of earlier versions lack. */
export const REVOCATION_COLUMNS: readonly AddedColumn[] = [
  { table: 'pending_revocations', column: 'user_id', definition: "TEXT NOT NULL DEFAULT ''" },
  { table: 'pending_revocations', column: 'is_session', definition: 'INTEGER NOT NULL DEFAULT 0' },
];

/** A key that Redis must have until this second since 1970. */
export interface Revocation {
  readonly key: string;
  readonly expires_at: number;
  /** Whether the key is of a session, and so revokes all tokens of that session. */
  readonly is_session: boolean;
}

/** A revocation in the table. */
export interface PendingRevocation extends Pick<Revocation, 'key' | 'expires_at'> {
  readonly rowid: number;
}

/** The revocations that Redis does not have yet. They survive a restart of this service. */
@Injectable()
export class PendingRevocations {
  readonly #dropped: Counter;

  constructor(
    private readonly database: Database,
    { registry }: MetricsService,
  ) {
    const registers = [registry];
    this.#dropped = new Counter({
      name: 'revocations_dropped_total',
      help: `Revocations dropped before they were written to Redis, because more than ${MOST} waited`,
      registers,
    });
    const count = (): number => this.count();
    new Gauge({
      name: 'revocations_pending',
      help: 'Revocations that Redis does not have yet',
      registers,
      collect() {
        this.set(count());
      },
    });
  }

  /** Stores all revocations. None is dropped before an attempt to write it to Redis. */
  keep(userId: string, revocations: readonly Revocation[]): void {
    const rows = JSON.stringify(revocations);
    this.#deleteExpired();
    this.database.run`
      DELETE FROM pending_revocations WHERE key IN (SELECT value ->> 'key' FROM json_each(${rows}))`;
    this.#makeRoom(revocations.length);
    this.database.run`
      INSERT INTO pending_revocations (key, expires_at, user_id, is_session)
      SELECT value ->> 'key', value ->> 'expires_at', ${userId}, value ->> 'is_session' FROM json_each(${rows})`;
  }

  /** Drops revocations of the user with the most, so that one user's logouts cannot displace others'. Sessions go last. */
  #makeRoom(added: number): void {
    const excess = this.count() + added - MOST;
    if (excess <= 0) return;
    const dropped = this.database.run`
      DELETE FROM pending_revocations WHERE rowid IN (
        SELECT id FROM (
          SELECT rowid AS id,
            row_number() OVER (PARTITION BY user_id ORDER BY is_session DESC, rowid DESC) AS place
          FROM pending_revocations)
        ORDER BY place DESC, id LIMIT ${excess})`;
    this.#dropped.inc(dropped);
  }

  /** The oldest revocations that have not expired. */
  first(most: number): PendingRevocation[] {
    this.#deleteExpired();
    return this.database.rows<PendingRevocation>`
      SELECT rowid, key, expires_at FROM pending_revocations ORDER BY rowid LIMIT ${most}`;
  }

  /** By rowid, since a key that was stored again meanwhile has another row. */
  delete(revocations: readonly PendingRevocation[]): void {
    const ids = JSON.stringify(revocations.map(({ rowid }) => rowid));
    this.database.run`DELETE FROM pending_revocations WHERE rowid IN (SELECT value FROM json_each(${ids}))`;
  }

  count(): number {
    return this.database.row<{ count: number }>`SELECT count(*) AS count FROM pending_revocations`!.count;
  }

  #deleteExpired(): void {
    this.database.run`DELETE FROM pending_revocations WHERE expires_at <= ${Math.floor(Date.now() / 1000)}`;
  }
}
