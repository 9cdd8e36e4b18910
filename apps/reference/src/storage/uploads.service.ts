import {
  ConflictException,
  Inject,
  Injectable,
  Logger,
  ServiceUnavailableException,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Database } from '../database.js';
import { SERVICE_CONFIG, type ServiceConfig } from '../service.config.js';
import { TooManyRequestsException } from '../too-many-requests.exception.js';
import { fileNotFound, FilesService } from './files.service.js';
import { ObjectStore } from './object.store.js';

/** The most uploads of one user at a time, in all processes, so that slow ones leave room for others. */
const MAX_UPLOADS_OF_USER = 8;
const RETRY_AFTER_MS = 1_000;
/** A process that has not renewed its leases for so many milliseconds has ended. */
const LEASE_MS = 30_000;
const RENEWAL_MS = 5_000;
/** Milliseconds that uploads in progress have when the service stops: 10 s less than the container's grace period. */
const DRAIN_MS = 20_000;

/**
 * Uploads in progress: at most one for each file, and eight for each user. An upload counts in the quota from its start
 * until its bytes are stored or removed, also if its process was killed.
 */
@Injectable()
export class UploadsService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #running = new Map<string, { abort: (reason: Error) => void; ended: Promise<void> }>();
  readonly #logger = new Logger();
  readonly #drainMs: number;
  #isPastDrain = false;
  #renewal: NodeJS.Timeout | undefined;

  constructor(
    private readonly database: Database,
    private readonly files: FilesService,
    private readonly objects: ObjectStore,
    @Inject(SERVICE_CONFIG) { uploadDrainMs = DRAIN_MS }: ServiceConfig,
  ) {
    this.#drainMs = uploadDrainMs;
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.removeLeftovers();
    this.#renewal = setInterval(() => this.#renew(), RENEWAL_MS).unref();
  }

  /**
   * Runs the upload of a file.
   *
   * @param work writes the part and stores it, or fails; it should end after the signal is aborted
   * @throws ConflictException if an upload of the file is in progress or was completed
   * @throws TooManyRequestsException if the user has eight uploads in progress
   */
  async run(fileId: string, work: (part: string, signal: AbortSignal) => Promise<void>): Promise<void> {
    await this.removeLeftovers();
    if (this.#isPastDrain) throw stopping();
    const part = this.#begin(fileId);
    const aborting = new AbortController();
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    this.#running.set(fileId, { abort: (reason) => aborting.abort(reason), ended });
    try {
      await work(part, aborting.signal);
    } finally {
      await this.#end(fileId, part);
      this.#running.delete(fileId);
      end();
    }
  }

  /** Removes a file for its owner, and its bytes, including those of an upload in progress. */
  async delete(ownerId: string, fileId: string): Promise<void> {
    this.files.markDeleted(ownerId, fileId);
    this.#running.get(fileId)?.abort(fileNotFound());
    await this.#removeDeleted(fileId);
  }

  /** Removes the parts of processes that have ended, and bytes that could not be removed before. */
  async removeLeftovers(): Promise<void> {
    type Row = { file_id: string; part: string };
    const ended = this.database.rows<Row>`
      SELECT file_id, part FROM uploads WHERE lease_until < ${Date.now()}`;
    for (const { file_id, part } of ended) await this.#end(file_id, part);
    const deleted = this.database.rows<{ id: string }>`
      SELECT id FROM files WHERE status = 'deleted' AND id NOT IN (SELECT file_id FROM uploads)`;
    for (const { id } of deleted) await this.#removeDeleted(id);
  }

  #begin(fileId: string): string {
    const now = Date.now();
    const part = this.objects.createPartName(fileId);
    this.database.transaction(() => {
      const ownerId = this.files.requirePending(fileId).owner_id;
      type Counts = { of_file: number; of_user: number };
      const { of_file, of_user } = this.database.row<Counts>`
        SELECT count(*) FILTER (WHERE file_id = ${fileId}) AS of_file,
          count(*) FILTER (WHERE lease_until >= ${now}) AS of_user
        FROM uploads WHERE owner_id = ${ownerId}`!;
      if (of_file > 0) throw inProgress();
      if (of_user >= MAX_UPLOADS_OF_USER) throw tooManyUploads();
      this.database.run`
        INSERT INTO uploads (file_id, owner_id, part, lease_until)
        VALUES (${fileId}, ${ownerId}, ${part}, ${now + LEASE_MS})`;
    });
    return part;
  }

  /** If the bytes cannot be removed, they count in the quota until `removeLeftovers` has removed them. */
  async #end(fileId: string, part: string): Promise<void> {
    try {
      await this.objects.removePart(part);
      this.database.run`DELETE FROM uploads WHERE file_id = ${fileId} AND part = ${part}`;
      if (this.files.isDeleted(fileId)) await this.#removeDeleted(fileId);
    } catch (error) {
      this.#logger.error(error);
    }
  }

  async #removeDeleted(fileId: string): Promise<void> {
    await this.objects.remove(fileId);
    this.files.forgetDeleted(fileId);
  }

  /** Renews the leases. Ends uploads whose file was deleted, or whose lease another process found expired. */
  #renew(): void {
    try {
      for (const [fileId, { abort }] of this.#running) {
        const renewed = this.database.run`
          UPDATE uploads SET lease_until = ${Date.now() + LEASE_MS} WHERE file_id = ${fileId}`;
        if (!renewed || this.files.isDeleted(fileId)) abort(fileNotFound());
      }
    } catch (error) {
      this.#logger.error(error);
    }
  }

  /** Waits for uploads in progress, which need the database, and aborts those that take too long. */
  async beforeApplicationShutdown(): Promise<void> {
    const stop = (): void => {
      this.#isPastDrain = true;
      for (const { abort } of this.#running.values()) abort(stopping());
    };
    const deadline = setTimeout(stop, this.#drainMs);
    while (this.#running.size > 0) await Promise.all([...this.#running.values()].map(({ ended }) => ended));
    clearTimeout(deadline);
    clearInterval(this.#renewal);
  }
}

function stopping(): ServiceUnavailableException {
  return new ServiceUnavailableException('Service is stopping');
}

function inProgress(): ConflictException {
  return new ConflictException('File is being uploaded', { errorCode: 'UPLOAD_IN_PROGRESS' });
}

function tooManyUploads(): TooManyRequestsException {
  return new TooManyRequestsException('Too many uploads at a time', 'TOO_MANY_UPLOADS', RETRY_AFTER_MS);
}
