import { Injectable } from '@nestjs/common';
import { Counter, Gauge } from 'prom-client';
import { Database } from '../database.js';
import { MetricsService } from '../metrics.service.js';

/** Revocations that wait at a time, at most; past it the oldest is dropped. */
const MOST = 10_000;

/** The rowid is their order. */
export const REVOCATION_TABLES = `
  CREATE TABLE IF NOT EXISTS pending_revocations (
    key TEXT PRIMARY KEY,
    expires_at INTEGER NOT NULL
  ) STRICT;
`;

/** A key that Redis must have until this second since 1970. */
export interface Revocation {
  readonly key: string;
  readonly expires_at: number;
}

/** A revocation in the table. */
export interface PendingRevocation extends Revocation {
  readonly rowid: number;
}

/** The revocations that Redis does not have yet: they outlive a restart of this service. */
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
      help: `Revocations given up before Redis had them, since more than ${MOST} waited`,
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

  keep(revocations: readonly Revocation[]): void {
    this.#deleteExpired();
    this.database.run`
      INSERT OR REPLACE INTO pending_revocations (key, expires_at)
      SELECT value ->> 'key', value ->> 'expires_at' FROM json_each(${JSON.stringify(revocations)})`;
    const dropped = this.database.run`
      DELETE FROM pending_revocations WHERE rowid IN (
        SELECT rowid FROM pending_revocations ORDER BY rowid DESC LIMIT -1 OFFSET ${MOST})`;
    this.#dropped.inc(dropped);
  }

  /** The oldest ones that still matter. */
  first(most: number): PendingRevocation[] {
    this.#deleteExpired();
    return this.database.rows<PendingRevocation>`
      SELECT rowid, key, expires_at FROM pending_revocations ORDER BY rowid LIMIT ${most}`;
  }

  /** Not by key: a key that was kept anew meanwhile has another row. */
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
