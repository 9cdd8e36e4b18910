import { readdirSync, readFileSync, statSync, type Dirent, type Stats } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { UnreadableError } from './unreadable.error.js';

/** A larger file is no configuration written by hand. */
const LARGEST_BYTES = 1024 * 1024;

/** The most files below one folder, against mounted home directories. */
const MOST_FILES = 2_000;

/** Reads text files. Names are relative to one root. */
export class TextFiles {
  constructor(readonly root: string) {}

  /** @throws UnreadableError if the file is missing, larger than 1 MiB, binary or no regular file */
  read(path: string): string {
    const file = this.nameOf(path);
    const stats = this.stats(path);
    if (!stats) throw new UnreadableError({ file }, 'ENOENT: there is no such file');
    // Reading a pipe or a device could take for ever.
    if (!stats.isFile()) throw new UnreadableError({ file }, 'is no regular file');
    if (stats.size > LARGEST_BYTES) {
      throw new UnreadableError({ file }, `has ${stats.size} bytes; at most ${LARGEST_BYTES} are read`);
    }
    const bytes = this.attempt(path, () => readFileSync(this.pathOf(path)));
    if (bytes.includes(0)) throw new UnreadableError({ file }, 'is binary, not text');
    return bytes.toString('utf8');
  }

  /** The paths of all files below a folder; empty if there is no such folder. @throws UnreadableError above 2,000 files */
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

  /** The names in a folder, in order; empty if there is no such folder. @throws UnreadableError above 2,000 files */
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

  /** The name for findings: relative to the root if it is below it. */
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
