import { posix } from 'node:path';
import { parseNginx, type Directive } from '../files/nginx.parser.js';
import type { TextFiles } from '../files/text-files.js';
import { UnreadableError } from '../files/unreadable.error.js';

const PREFIX = '/etc/nginx';
const MAIN = `${PREFIX}/nginx.conf`;
const TEMPLATES = `${PREFIX}/templates/`;
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

/** Far more than anybody has; an include that includes itself ends at its first return. */
const DEEPEST = 16;

/** In all, since a few files that include each other can stand for millions. */
const MOST_INCLUDES = 1_000;

/** A file or folder of this machine that stands at a path of nginx's container. */
export interface NginxMount {
  readonly source: string;
  readonly target: string;
}

/**
 * The configuration as nginx in its container reads it: templates filled in as the official image's entrypoint does,
 * includes in their places.
 */
export class NginxFiles {
  /** Files of this machine by their path in the container; deeper mounts cover others. */
  private readonly byPath = new Map<string, { readonly path: string; readonly isTemplate: boolean }>();
  private includes = 0;
  /** Names of capitals in templates that nobody defines, which nginx then reads as they are. */
  readonly undefinedVariables: { readonly name: string; readonly file: string; readonly line: number }[] = [];

  constructor(
    private readonly files: TextFiles,
    mounts: readonly NginxMount[],
    private readonly variables: ReadonlyMap<string, string>,
  ) {
    for (const { source, target } of mounts.toSorted((a, b) => a.target.length - b.target.length)) {
      for (const path of files.list(source)) {
        this.byPath.set(posix.join(target, posix.relative(source, path)), { path, isTemplate: false });
      }
    }
    for (const [target, { path }] of this.byPath) {
      if (!target.startsWith(TEMPLATES) || !target.endsWith(SUFFIX)) continue;
      const filled = target.slice(TEMPLATES.length, -SUFFIX.length);
      this.byPath.set(`${PREFIX}/conf.d/${filled}`, { path, isTemplate: true });
    }
  }

  /** The whole configuration. @throws UnreadableError with the line */
  read(): Directive[] {
    const main = this.byPath.has(MAIN) ? this.parse(MAIN) : parseNginx(STOCK.text, STOCK.name);
    return this.expand(main, [MAIN]);
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
        if (within.length > DEEPEST) throw new UnreadableError(at, 'includes too deeply');
        return this.expand(this.parse(path), [...within, path]);
      });
    });
  }

  /** As nginx does: a pattern may match nothing, a plain name may not. */
  private matching(pattern: string, { at, args }: Directive): string[] {
    if (/[*?[]/.test(pattern)) {
      return [...this.byPath.keys()].filter((path) => posix.matchesGlob(path, pattern)).toSorted();
    }
    if (this.byPath.has(pattern)) return [pattern];
    if (OWN.has(pattern)) return [];
    throw new UnreadableError(at, `include ${args[0]}: no such file is mounted at ${pattern}`);
  }

  private parse(path: string): Directive[] {
    const { path: source, isTemplate } = this.byPath.get(path)!;
    const file = this.files.nameOf(source);
    const text = this.files.read(source);
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
