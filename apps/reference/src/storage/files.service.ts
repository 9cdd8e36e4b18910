import {
  ConflictException,
  Inject,
  Injectable,
  NotFoundException,
  PayloadTooLargeException,
} from '@nestjs/common';
import { Database } from '../database.js';
import { SERVICE_CONFIG, type ServiceConfig } from '../service.config.js';

export interface StoredFile {
  readonly file_id: string;
  readonly filename: string;
  readonly content_type: string;
  readonly size: number;
  readonly status: 'pending' | 'uploaded' | 'complete';
  readonly created_at: string;
}

export type NewFile = Pick<StoredFile, 'file_id' | 'filename' | 'content_type' | 'size'>;

const DEFAULT_QUOTA_BYTES = 10 * 1024 ** 3;
/** The most files of one user, announced ones included, since an empty file also takes a row. */
const MAX_FILES_OF_USER = 10_000;

/** The files of users and their state. For all users but its owner a file does not exist. */
@Injectable()
export class FilesService {
  readonly #quotaBytes: number;

  constructor(
    private readonly database: Database,
    @Inject(SERVICE_CONFIG) config: ServiceConfig,
  ) {
    this.#quotaBytes = config.quotaBytes ?? DEFAULT_QUOTA_BYTES;
  }

  /** Counts announced uploads until their URLs expire; uploads in progress and deleted files until their bytes are removed. */
  quota(ownerId: string): { used: number; limit: number } {
    const { used } = this.database.row<{ used: number }>`
      SELECT coalesce(sum(size), 0) AS used FROM files
      WHERE owner_id = ${ownerId}
        AND (status <> 'pending' OR upload_until > ${now()} OR id IN (SELECT file_id FROM uploads))`!;
    return { used, limit: this.#quotaBytes };
  }

  announce(ownerId: string, file: NewFile, uploadUntil: string): void {
    this.database.transaction(() => {
      this.#requireFewerFiles(ownerId);
      const { used, limit } = this.quota(ownerId);
      if (used + file.size > limit) {
        throw new PayloadTooLargeException('Storage quota exceeded', { errorCode: 'QUOTA_EXCEEDED' });
      }
      // Later than the URL expires, so that a late client learns the reason.
      this.database.run`
        DELETE FROM files WHERE status = 'pending' AND upload_until < ${yesterday()}
          AND id NOT IN (SELECT file_id FROM uploads)`;
      this.database.run`
        INSERT INTO files (id, owner_id, filename, content_type, size, created_at, upload_until)
        VALUES (${file.file_id}, ${ownerId}, ${file.filename}, ${file.content_type}, ${file.size}, ${now()},
          ${uploadUntil})`;
    });
  }

  #requireFewerFiles(ownerId: string): void {
    const { files } = this.database.row<{ files: number }>`
      SELECT count(*) AS files FROM files WHERE owner_id = ${ownerId}`!;
    if (files < MAX_FILES_OF_USER) return;
    throw new PayloadTooLargeException('Too many files', { errorCode: 'TOO_MANY_FILES' });
  }

  /** For a client with a signed URL, who need not be the owner. */
  get(id: string): StoredFile {
    const file = this.database.row<StoredFile>`
      SELECT id AS file_id, filename, content_type, size, status, created_at FROM files
      WHERE id = ${id} AND status <> 'deleted'`;
    if (!file) throw fileNotFound();
    return file;
  }

  getOwned(ownerId: string, id: string): StoredFile {
    const owned = this.database.row`SELECT 1 FROM files WHERE id = ${id} AND owner_id = ${ownerId}`;
    if (!owned) throw fileNotFound();
    return this.get(id);
  }

  requirePending(id: string): StoredFile & { readonly owner_id: string } {
    const file = this.get(id);
    if (file.status !== 'pending') throw alreadyUploaded();
    const { owner_id } = this.database.row<{
      owner_id: string;
    }>`SELECT owner_id FROM files WHERE id = ${id}`!;
    return { ...file, owner_id };
  }

  /** Marks a file, and calls `keepBytes` in the same transaction. @throws NotFoundException if it was deleted meanwhile */
  markUploaded(id: string, keepBytes: () => void): void {
    this.database.transaction(() => {
      const isPending = this.database
        .run`UPDATE files SET status = 'uploaded' WHERE id = ${id} AND status = 'pending'`;
      if (!isPending) throw fileNotFound();
      keepBytes();
    });
  }

  complete(ownerId: string, id: string): StoredFile {
    if (this.getOwned(ownerId, id).status === 'pending') throw notUploaded();
    // Another process may have deleted it meanwhile.
    const isChanged = this.database.run`
      UPDATE files SET status = 'complete' WHERE id = ${id} AND status IN ('uploaded', 'complete')`;
    if (!isChanged) throw fileNotFound();
    return this.get(id);
  }

  requireComplete(ownerId: string, id: string): void {
    if (this.getOwned(ownerId, id).status !== 'complete') throw notUploaded();
  }

  markDeleted(ownerId: string, id: string): void {
    const isChanged = this.database.run`
      UPDATE files SET status = 'deleted' WHERE id = ${id} AND owner_id = ${ownerId} AND status <> 'deleted'`;
    if (!isChanged) throw fileNotFound();
  }

  isDeleted(id: string): boolean {
    return this.database.row`SELECT 1 FROM files WHERE id = ${id} AND status = 'deleted'` !== undefined;
  }

  /** Frees the quota of a deleted file, unless an upload of it still has bytes. */
  forgetDeleted(id: string): void {
    this.database.run`
      DELETE FROM files WHERE id = ${id} AND status = 'deleted' AND id NOT IN (SELECT file_id FROM uploads)`;
  }
}

function now(): string {
  return new Date().toISOString();
}

function yesterday(): string {
  return new Date(Date.now() - 24 * 60 * 60 * 1000).toISOString();
}

export function fileNotFound(): NotFoundException {
  return new NotFoundException('File not found');
}

function alreadyUploaded(): ConflictException {
  return new ConflictException('File is uploaded already', { errorCode: 'ALREADY_UPLOADED' });
}

function notUploaded(): ConflictException {
  return new ConflictException('File is not uploaded yet', { errorCode: 'NOT_UPLOADED' });
}
