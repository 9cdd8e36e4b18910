import {
  BadRequestException,
  HttpException,
  HttpStatus,
  Inject,
  Injectable,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { open, rm, truncate, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { SERVICE_CONFIG, type ServiceConfig } from '../service.config.js';

const UNFINISHED = '.part';

/** After so many milliseconds without a byte no process writes the file any more, not even the one that this one replaces. */
const ABANDONED_MS = 3_600_000;

/** Milliseconds without a byte after which the connection of an aborted upload is ended. */
const ABORT_MS = 1_000;

/** Objects on disk, one file each. A file is complete, or does not exist. */
@Injectable()
export class ObjectStore implements OnApplicationShutdown {
  readonly directory: string;
  readonly #isTemporary: boolean;

  constructor(@Inject(SERVICE_CONFIG) { dataDir }: ServiceConfig) {
    this.#isTemporary = dataDir === undefined;
    this.directory =
      dataDir === undefined ? mkdtempSync(join(tmpdir(), 'storage-')) : join(dataDir, 'objects');
    mkdirSync(this.directory, { recursive: true });
    for (const name of readdirSync(this.directory)) {
      if (name.endsWith(UNFINISHED)) this.#removeAbandoned(join(this.directory, name));
    }
  }

  #removeAbandoned(part: string): void {
    const writtenAt = statSync(part, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (Date.now() - writtenAt > ABANDONED_MS) rmSync(part, { force: true });
  }

  createPartName(id: string): string {
    return `${id}.${randomUUID()}${UNFINISHED}`;
  }

  /**
   * Writes exactly `size` bytes to the file of a part. `claim` then decides whether they become the object.
   *
   * @param signal ends the upload with its reason, at the next bytes or a second later
   */
  async write(
    part: string,
    body: Readable,
    { size, signal }: { readonly size: number; readonly signal: AbortSignal },
    claim: (keepAs: (id: string) => void) => void,
  ): Promise<void> {
    const path = this.#pathOf(part);
    const cut = (): void => void setTimeout(() => body.destroy(), ABORT_MS).unref();
    signal.addEventListener('abort', cut);
    try {
      await copy(body, path, size, signal);
      claim((id) => renameSync(path, this.#pathOf(id)));
    } catch (error) {
      await this.removePart(part);
      // Unread bytes would keep the response from the client.
      body.resume();
      throw isDiskFull(error)
        ? new HttpException('Storage is full', HttpStatus.INSUFFICIENT_STORAGE, { cause: error })
        : error;
    } finally {
      signal.removeEventListener('abort', cut);
    }
  }

  open(id: string): Promise<FileHandle> {
    return open(this.#pathOf(id));
  }

  /** Frees the bytes at once, also if a download has the file open. */
  async remove(id: string): Promise<void> {
    await truncate(this.#pathOf(id)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    await rm(this.#pathOf(id), { force: true });
  }

  removePart(part: string): Promise<void> {
    return this.remove(part);
  }

  onApplicationShutdown(): void {
    if (this.#isTemporary) rmSync(this.directory, { recursive: true, force: true });
  }

  #pathOf(id: string): string {
    return join(this.directory, id);
  }
}

async function copy(body: Readable, path: string, size: number, signal: AbortSignal): Promise<void> {
  await using file = await open(path, 'wx');
  let received = 0;
  // Not destroyed on failure, since that would end the connection before the response.
  for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    signal.throwIfAborted();
    received += chunk.length;
    if (received > size) break;
    await file.writeFile(chunk);
  }
  if (received !== size) throw wrongSize(size);
  await file.sync();
}

export function wrongSize(size: number): BadRequestException {
  return new BadRequestException(`Exactly ${size} bytes were announced`, { errorCode: 'WRONG_SIZE' });
}

function isDiskFull(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOSPC' || code === 'EDQUOT';
}
