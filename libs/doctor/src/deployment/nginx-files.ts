import { basename, dirname, join, posix } from 'node:path';
import { parseNginx, type Directive } from '../files/nginx.parser.js';
import type { TextFiles } from '../files/text-files.js';
import { UnreadableError } from '../files/unreadable.error.js';
import type { SourceLocation } from '../files/sourced.js';

const PREFIX = '/etc/nginx';
const MAIN = `${PREFIX}/nginx.conf`;
const TEMPLATES = `${PREFIX}/templates`;
/** The entrypoint writes the filled templates here. */
const FILLED = `${PREFIX}/conf.d`;
const SUFFIX = '.template';

/** Files of the official image that the doctor need not read. */
const OWN = new Set(
  ['mime.types', 'fastcgi_params', 'scgi_params', 'uwsgi_params', 'fastcgi.conf'].map(
    (name) => `${PREFIX}/${name}`,
  ),
);

/** The main file of the official image, as far as the rules need it. */
const STOCK = {
  name: "nginx's own nginx.conf",
  text: 'events {}\nhttp {\n  keepalive_timeout 65;\n  include /etc/nginx/conf.d/*.conf;\n}\n',
};

/** In total: a few files that include each other can expand to millions. */
const MOST_INCLUDES = 1_000;

/** Folders of the official image. A file copied to one of them lands in it, also without a slash at the end. */
const FOLDERS = new Set([PREFIX, `${PREFIX}/conf.d`, `${PREFIX}/templates`]);

/** A file or folder of this machine at a path of nginx's container. */
export interface NginxMount {
  readonly source: string;
  /** The folder around the source if it ends with a slash. */
  readonly target: string;
  /** Whether it hides the image's own files at the target. */
  readonly isBind: boolean;
  readonly at: SourceLocation;
}

/**
 * The configuration that nginx reads in its container: templates filled in as by the entrypoint of the official image, and
 * includes replaced by their files.
 */
export class NginxFiles {
  /** The mounts in or around nginx's folder. Later ones hide earlier ones. */
  private readonly mounts: readonly NginxMount[];
  private includes = 0;
  /** Names in capitals in templates that are not set. nginx reads them literally. */
  readonly undefinedVariables: { readonly name: string; readonly file: string; readonly line: number }[] = [];
  readonly notices: string[] = [];

  /** @throws UnreadableError if the source of a mount does not exist */
  constructor(
    private readonly files: TextFiles,
    mounts: readonly NginxMount[],
    private readonly variables: ReadonlyMap<string, string>,
  ) {
    this.mounts = mounts
      .filter(({ target }) => isWithin(PREFIX, target) || isWithin(target, PREFIX))
      .flatMap((mount) => this.resolve(mount));
  }

  /** The whole configuration. @throws UnreadableError with the line */
  read(): Directive[] {
    const main = this.sourceOf(MAIN);
    if (!main)
      this.notices.push(
        `no nginx.conf is mounted or copied at ${MAIN}: the stock file of the image is taken`,
      );
    return this.expand(main ? this.parse(main) : parseNginx(STOCK.text, STOCK.name), [MAIN]);
  }

  /** Replaces each include by the directives of its files. */
  private expand(directives: readonly Directive[], within: readonly string[]): Directive[] {
    return directives.flatMap((directive): Directive[] => {
      const { name, args, at, block } = directive;
      if (name !== 'include')
        return [block ? { ...directive, block: this.expand(block, within) } : directive];
      const pattern = posix.resolve(PREFIX, args[0] ?? '');
      return this.matching(pattern, directive).flatMap((path) => {
        if (within.includes(path)) throw new UnreadableError(at, `includes itself: ${within.join(' > ')}`);
        if (++this.includes > MOST_INCLUDES) throw new UnreadableError(at, 'includes too many files in all');
        return this.expand(this.parse(this.sourceOf(path)!), [...within, path]);
      });
    });
  }

  /** The files of an include. As in nginx, a pattern may match none, and a plain name must exist. */
  private matching(pattern: string, { at, args }: Directive): string[] {
    if (/[*?[]/.test(pattern)) return this.glob(pattern).filter((path) => this.sourceOf(path));
    if (this.sourceOf(pattern)) return [pattern];
    if (OWN.has(pattern)) return [];
    throw new UnreadableError(at, `include ${args[0]}: no such file is mounted at ${pattern}`);
  }

  /** The paths that a pattern matches. Reads only the folders on the way. */
  private glob(pattern: string): string[] {
    let paths = ['/'];
    for (const part of pattern.split('/').filter((each) => each !== '')) {
      paths = /[*?[]/.test(part)
        ? paths.flatMap((folder) =>
            this.namesIn(folder)
              .filter((name) => posix.matchesGlob(name, part))
              .map((name) => posix.join(folder, name)),
          )
        : paths.map((folder) => posix.join(folder, part));
    }
    return paths;
  }

  /** The names in a folder of the container, filled templates included. */
  private namesIn(folder: string): string[] {
    const names = this.mounts.flatMap(({ source, target }) => {
      if (isWithin(folder, target)) return this.files.names(join(source, posix.relative(target, folder)));
      return posix.dirname(target) === folder ? [posix.basename(target)] : [];
    });
    const filled = isWithin(folder, FILLED)
      ? this.namesIn(posix.join(TEMPLATES, posix.relative(FILLED, folder)))
          .filter((name) => name.endsWith(SUFFIX))
          .map((name) => name.slice(0, -SUFFIX.length))
      : [];
    return [...new Set([...names, ...filled])].toSorted();
  }

  /** The file of this machine that is at a path of the container. */
  private sourceOf(path: string): Source | undefined {
    if (isWithin(path, FILLED)) {
      const template = this.sourceOf(posix.join(TEMPLATES, posix.relative(FILLED, path)) + SUFFIX);
      if (template) return { path: template.path, isTemplate: true };
    }
    for (const { source, target, isBind } of this.mounts.toReversed()) {
      if (!isWithin(path, target)) continue;
      const found = join(source, posix.relative(target, path));
      if (this.files.exists(found)) return { path: found, isTemplate: false };
      if (isBind) return undefined;
    }
    return undefined;
  }

  /** A mount for each of its files, at the path of that file. */
  private resolve(mount: NginxMount): NginxMount[] {
    const { source, target, at } = mount;
    // A mount around nginx's folder need not contain it.
    if (!isWithin(target, PREFIX)) return [{ ...mount, target: posix.join(target) }];
    const sources = /[*?[]/.test(source) ? this.matchingHere(source) : [source];
    if (sources.length === 0 || !sources.every((each) => this.files.exists(each))) {
      throw new UnreadableError(at, `${this.files.nameOf(source)}, for ${target}, does not exist`);
    }
    const plain = posix.resolve(target);
    const isInside = target.endsWith('/') || (!mount.isBind && FOLDERS.has(plain));
    return sources.map((each) => ({
      ...mount,
      source: each,
      target: isInside && !this.files.isFolder(each) ? posix.join(plain, basename(each)) : plain,
    }));
  }

  private matchingHere(pattern: string): string[] {
    const folder = dirname(pattern);
    return this.files
      .names(folder)
      .filter((name) => posix.matchesGlob(name, basename(pattern)))
      .map((name) => join(folder, name));
  }

  private parse({ path, isTemplate }: Source): Directive[] {
    const file = this.files.nameOf(path);
    const text = this.files.read(path);
    return parseNginx(isTemplate ? this.fill(text, file) : text, file);
  }

  /** Fills in only variables that are set, as the entrypoint does. All others are nginx's own. */
  private fill(text: string, file: string): string {
    return text
      .split('\n')
      .map((line, index) => {
        if (line.trimStart().startsWith('#')) return line;
        return line.replaceAll(/\$(?:\{(\w+)\}|(\w+))/g, (whole, braced?: string, bare?: string) => {
          const value = this.variables.get(braced ?? bare!);
          if (value === undefined && braced !== undefined && /^[A-Z][A-Z0-9_]*$/.test(braced)) {
            this.undefinedVariables.push({ name: braced, file, line: index + 1 });
          }
          // Keeps the line numbers of the template.
          return value?.replaceAll('\n', ' ') ?? whole;
        });
      })
      .join('\n');
  }
}

interface Source {
  readonly path: string;
  readonly isTemplate: boolean;
}

function isWithin(path: string, folder: string): boolean {
  return !posix.relative(folder, path).startsWith('..');
}
