import type { FactoryProvider, OnApplicationShutdown } from '@nestjs/common';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { types } from 'node:util';
import { SERVICE_CONFIG, type ServiceConfig } from './service.config.js';

/** A column that tables of earlier versions lack. */
export interface AddedColumn {
  readonly table: string;
  readonly column: string;
  readonly definition: string;
}

/** The service's SQLite file. Queries are tagged templates: values are bound, and each statement is prepared once. */
export class Database implements OnApplicationShutdown {
  readonly #sqlite: DatabaseSync;
  // The strings of a template are the same object at each call from one place in the code.
  readonly #statements = new Map<TemplateStringsArray, StatementSync>();

  /** Provides the database of a service with these tables, and these columns beside the tables' own. */
  static of(tables: string, columns: readonly AddedColumn[] = []): FactoryProvider<Database> {
    return {
      provide: Database,
      inject: [SERVICE_CONFIG],
      useFactory: (config: ServiceConfig) => new Database(config, tables, columns),
    };
  }

  constructor({ dataDir, service }: ServiceConfig, tables: string, columns: readonly AddedColumn[]) {
    if (dataDir !== undefined) mkdirSync(dataDir, { recursive: true });
    this.#sqlite = new DatabaseSync(dataDir === undefined ? ':memory:' : join(dataDir, `${service}.sqlite`));
    this.#sqlite.exec('PRAGMA busy_timeout = 2000; PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON;');
    this.#sqlite.exec(tables);
    this.transaction(() => columns.forEach((column) => this.#add(column)));
  }

  #add({ table, column, definition }: AddedColumn): void {
    const exists = this.row`SELECT 1 FROM pragma_table_info(${table}) WHERE name = ${column}`;
    if (!exists) this.#sqlite.exec(`ALTER TABLE ${table} ADD COLUMN ${column} ${definition}`);
  }

  row<Row>(sql: TemplateStringsArray, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepare(sql).get(...values) as Row | undefined;
  }

  rows<Row>(sql: TemplateStringsArray, ...values: SQLInputValue[]): Row[] {
    return this.#prepare(sql).all(...values) as Row[];
  }

  /** Returns the number of changed rows. */
  run(sql: TemplateStringsArray, ...values: SQLInputValue[]): number {
    return Number(this.#prepare(sql).run(...values).changes);
  }

  /**
   * Commits all of the work, or nothing if it throws. The work is synchronous, and the transaction takes the write lock at
   * its start, so that no other request or process changes the file meanwhile. A nested transaction is part of the outer one.
   */
  transaction<Result>(work: () => Result): Result {
    if (this.#sqlite.isTransaction) return work();
    this.#sqlite.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#sqlite.exec('COMMIT');
      return result;
    } catch (error) {
      this.#sqlite.exec('ROLLBACK');
      throw error;
    }
  }

  #prepare(sql: TemplateStringsArray): StatementSync {
    const statement = this.#statements.get(sql) ?? this.#sqlite.prepare(sql.join('?'));
    this.#statements.set(sql, statement);
    return statement;
  }

  onApplicationShutdown(): void {
    if (this.#sqlite.isOpen) this.#sqlite.close();
  }
}

const SQLITE_CONSTRAINT_UNIQUE = 2067;

/** Whether a write failed because another row has the same value in this column (`table.column`). */
export function isTaken(error: unknown, column: string): boolean {
  return (
    types.isNativeError(error) &&
    'errcode' in error &&
    error.errcode === SQLITE_CONSTRAINT_UNIQUE &&
    error.message.includes(column)
  );
}
