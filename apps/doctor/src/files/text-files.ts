import { readdirSync, readFileSync, statSync, type Dirent, type Stats } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { UnreadableError } from './unreadable.error.js';

/** A configuration that people write is far below it. */
const LARGEST_BYTES = 1024 * 1024;

/** Files of one folder; past it somebody has mounted a home directory. */
const MOST_FILES = 2_000;

/** Reads text below one root, so that every place is named as a reader sees it from there. */
export class TextFiles {
  constructor(readonly root: string) {}

  /** @throws UnreadableError where it is missing, no regular file, too large or no text */
  read(path: string): string {
    const file = this.nameOf(path);
    const stats = this.stats(path);
    if (!stats) throw new UnreadableError({ file }, 'ENOENT: there is no such file');
    // A pipe or a device could hold the reader for ever.
    if (!stats.isFile()) throw new UnreadableError({ file }, 'is no regular file');
    if (stats.size > LARGEST_BYTES) {
      throw new UnreadableError({ file }, `has ${stats.size} bytes; at most ${LARGEST_BYTES} are read`);
    }
    const bytes = this.attempt(path, () => readFileSync(this.pathOf(path)));
    if (bytes.includes(0)) throw new UnreadableError({ file }, 'is binary, not text');
    return bytes.toString('utf8');
  }

  /** The paths of all files below a folder; none where there is no such folder. @throws UnreadableError */
  list(path: string): string[] {
    const found: string[] = [];
    const folders = [path];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      for (const entry of this.entries(folder)) {
        (entry.isDirectory() ? folders : found).push(join(folder, entry.name));
      }
      if (found.length + folders.length > MOST_FILES) throw this.tooMany(path);
    }
    return found;
  }

  /** The names in a folder, in order; none where there is no such folder. @throws UnreadableError */
  names(folder: string): string[] {
    return this.entries(folder).map(({ name }) => name);
  }

  /** @throws UnreadableError at a symbolic link that leads to itself */
  exists(path: string): boolean {
    return this.stats(path) !== undefined;
  }

  /** @throws UnreadableError at a symbolic link that leads to itself */
  isFolder(path: string): boolean {
    return this.stats(path)?.isDirectory() ?? false;
  }

  /** As it is named in findings. */
  nameOf(path: string): string {
    const name = relative(this.root, this.pathOf(path));
    return name.startsWith('..') ? this.pathOf(path) : name;
  }

  private pathOf(path: string): string {
    return resolve(this.root, path);
  }

  private stats(path: string): Stats | undefined {
    return this.attempt(path, () => statSync(this.pathOf(path), { throwIfNoEntry: false }));
  }

  private entries(folder: string): Dirent[] {
    if (!this.isFolder(folder)) return [];
    const entries = this.attempt(folder, () => readdirSync(this.pathOf(folder), { withFileTypes: true }));
    if (entries.length > MOST_FILES) throw this.tooMany(folder);
    return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  private tooMany(folder: string): UnreadableError {
    return new UnreadableError({ file: this.nameOf(folder) }, `has more than ${MOST_FILES} files`);
  }

  private attempt<Result>(path: string, act: () => Result): Result {
    try {
      return act();
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const reason = code === 'ELOOP' ? 'is a symbolic link that leads to itself' : message;
      throw new UnreadableError({ file: this.nameOf(path) }, reason, { cause: error });
    }
  }
}
