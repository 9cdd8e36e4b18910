import { basename, dirname, join, posix } from 'node:path';
import { parseNginx, type Directive } from '../files/nginx.parser.js';
import type { TextFiles } from '../files/text-files.js';
import { UnreadableError } from '../files/unreadable.error.js';
import type { SourceLocation } from './sourced.js';

const PREFIX = '/etc/nginx';
const MAIN = `${PREFIX}/nginx.conf`;
const TEMPLATES = `${PREFIX}/templates`;
/** Where the entrypoint writes what it makes of them. */
const FILLED = `${PREFIX}/conf.d`;
const SUFFIX = '.template';

/** What the official image has of its own, in which nothing counts here. */
const OWN = new Set(
  ['mime.types', 'fastcgi_params', 'scgi_params', 'uwsgi_params', 'fastcgi.conf'].map(
    (name) => `${PREFIX}/${name}`,
  ),
);

/** The official image's own main file, as far as anything in it counts here. */
const STOCK = {
  name: "nginx's own nginx.conf",
  text: 'events {}\nhttp {\n  keepalive_timeout 65;\n  include /etc/nginx/conf.d/*.conf;\n}\n',
};

/** In all, since a few files that include each other can stand for millions. */
const MOST_INCLUDES = 1_000;

/** Folders of the official image, into which a file may be copied without a slash behind their names. */
const FOLDERS = new Set([PREFIX, `${PREFIX}/conf.d`, `${PREFIX}/templates`]);

/** A file or folder of this machine that stands at a path of nginx's container. */
export interface NginxMount {
  readonly source: string;
  /** With a slash behind it, a folder in which the source stands. */
  readonly target: string;
  /** Whether it covers all that the image has there. */
  readonly isBind: boolean;
  readonly at: SourceLocation;
}

/**
 * The configuration as nginx in its container reads it: templates filled in as the official image's entrypoint does,
 * includes in their places.
 */
export class NginxFiles {
  /** Those that have to do with nginx's folder; later ones cover earlier ones. */
  private readonly mounts: readonly NginxMount[];
  private includes = 0;
  /** Names of capitals in templates that nobody defines, which nginx then reads as they are. */
  readonly undefinedVariables: { readonly name: string; readonly file: string; readonly line: number }[] = [];
  readonly notices: string[] = [];

  /** @throws UnreadableError where nothing stands at a mount's source */
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

  /** Every include replaced by what it includes. */
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

  /** As nginx does: a pattern may match nothing, a plain name may not. */
  private matching(pattern: string, { at, args }: Directive): string[] {
    if (/[*?[]/.test(pattern)) return this.glob(pattern).filter((path) => this.sourceOf(path));
    if (this.sourceOf(pattern)) return [pattern];
    if (OWN.has(pattern)) return [];
    throw new UnreadableError(at, `include ${args[0]}: no such file is mounted at ${pattern}`);
  }

  /** The paths that a pattern matches, one folder after the other, so that no other is looked into. */
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

  /** The names in a folder of the container, those of filled templates too. */
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

  /** The file of this machine that stands at a path of the container. */
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

  /** Each file that a mount stands for, at its own path. */
  private resolve(mount: NginxMount): NginxMount[] {
    const { source, target, at } = mount;
    // A mount around nginx's folder need not hold one.
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

  /** Only what is defined, as the image's entrypoint does: `$name` and `${name}` are nginx's own variables else. */
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
          // Every line stays the line that the reader sees.
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
