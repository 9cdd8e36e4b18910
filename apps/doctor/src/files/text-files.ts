import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { UnreadableError } from './unreadable.error.js';

/** A configuration that people write is far below it. */
const LARGEST_BYTES = 1024 * 1024;

/** Files below one mounted folder; past it somebody has mounted a home directory. */
const MOST_FILES = 2_000;

/** Reads text below one root, so that every place is named as a reader sees it from there. */
export class TextFiles {
  constructor(readonly root: string) {}

  /** @throws UnreadableError where it is missing, a folder, too large or no text */
  read(path: string): string {
    const file = this.nameOf(path);
    let bytes: Buffer;
    try {
      const { size } = statSync(this.pathOf(path));
      if (size > LARGEST_BYTES)
        throw new UnreadableError({ file }, `has ${size} bytes; at most ${LARGEST_BYTES} are read`);
      bytes = readFileSync(this.pathOf(path));
    } catch (error) {
      if (error instanceof UnreadableError) throw error;
      throw new UnreadableError({ file }, (error as Error).message, { cause: error });
    }
    if (bytes.includes(0)) throw new UnreadableError({ file }, 'is binary, not text');
    return bytes.toString('utf8');
  }

  /** The paths of all files below a folder, or the path itself; none where there is nothing. @throws UnreadableError */
  list(path: string): string[] {
    const stats = statSync(this.pathOf(path), { throwIfNoEntry: false });
    if (!stats) return [];
    if (!stats.isDirectory()) return [path];
    const entries = readdirSync(this.pathOf(path), { recursive: true, withFileTypes: true });
    if (entries.length > MOST_FILES) {
      throw new UnreadableError(
        { file: this.nameOf(path) },
        `has ${entries.length} files; at most ${MOST_FILES} are looked at`,
      );
    }
    return entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(path, relative(this.pathOf(path), join(entry.parentPath, entry.name))));
  }

  exists(path: string): boolean {
    return statSync(this.pathOf(path), { throwIfNoEntry: false }) !== undefined;
  }

  /** As it is named in findings. */
  nameOf(path: string): string {
    const name = relative(this.root, this.pathOf(path));
    return name.startsWith('..') ? this.pathOf(path) : name;
  }

  private pathOf(path: string): string {
    return resolve(this.root, path);
  }
}
