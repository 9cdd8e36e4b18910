import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type Node,
  visit,
  type Alias,
} from 'yaml';
import type { SourceLocation, Sourced } from './sourced.js';
import { UnreadableError } from './unreadable.error.js';

/** A YAML value with its line; in a mapping, the line of its key. */
export type YamlNode = YamlText | YamlList | YamlMap;

interface Placed {
  readonly at: SourceLocation;
  /** Compose's `!reset` and `!override`. */
  readonly tag?: string | undefined;
}

export interface YamlText extends Placed {
  readonly kind: 'text';
  /** Empty for null. */
  readonly text: string;
  /** The text before variables were filled in. */
  readonly written?: string;
}

export interface YamlList extends Placed {
  readonly kind: 'list';
  readonly items: readonly YamlNode[];
}

export interface YamlMap extends Placed {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, YamlNode>;
}

/** The most nodes with all aliases expanded, against alias bombs. */
const MOST_NODES = 50_000;
const DEEPEST = 64;

const TAGS = ['!reset', '!override'].flatMap((tag) =>
  ([undefined, 'map', 'seq'] as const).map((collection) => ({
    tag,
    ...(collection && { collection }),
    resolve: (value: unknown) => value,
  })),
);

/** Parses one YAML document, aliases and merge keys resolved. @throws UnreadableError with the line */
export function parseYaml(text: string, file: string): YamlNode {
  const lines = new LineCounter();
  let document: Document.Parsed;
  try {
    document = parseDocument(text, { lineCounter: lines, customTags: TAGS as never, logLevel: 'silent' });
  } catch (error) {
    // The parser is recursive, and can exhaust the stack.
    throw new UnreadableError({ file }, 'nests too deeply', { cause: error });
  }
  const [fault] = document.errors;
  if (fault) {
    throw new UnreadableError({ file, line: fault.linePos?.[0].line }, fault.message.split(' at line')[0]!);
  }
  return new TreeBuilder(document, lines, file).build();
}

class TreeBuilder {
  private nodes = 0;
  /** The node of each alias. */
  private readonly targets = new Map<Alias, Node>();

  constructor(
    private readonly document: Document.Parsed,
    private readonly lines: LineCounter,
    private readonly file: string,
  ) {}

  build(): YamlNode {
    const at = { file: this.file, line: 1 };
    const root = this.document.contents as Node | null;
    const anchors = new Map<string, Node>();
    // In file order: an alias refers to the last anchor of its name before it.
    visit(this.document, {
      Alias: (_, alias) => {
        const target = anchors.get(alias.source);
        if (target) this.targets.set(alias, target);
      },
      Value: (_, node) => {
        if (node.anchor) anchors.set(node.anchor, node);
      },
    });
    return root === null
      ? { kind: 'map', entries: new Map(), at }
      : this.convert(root, this.placeOf(root), 0);
  }

  private convert(node: Node | null, at: SourceLocation, depth: number): YamlNode {
    if (++this.nodes > MOST_NODES) throw new UnreadableError(at, 'is too large with its aliases written out');
    if (depth > DEEPEST) throw new UnreadableError(at, 'nests too deeply');
    if (node === null) return { kind: 'text', text: '', at };
    if (isAlias(node)) return this.convert(this.target(node, at), at, depth + 1);
    const tag = (node as { tag?: string }).tag;
    if (isSeq(node)) {
      const items = node.items.map((item) =>
        this.convert(item as Node, this.placeOf(item as Node), depth + 1),
      );
      return { kind: 'list', items, at, tag };
    }
    if (isMap(node)) return { kind: 'map', entries: this.entries(node.items, depth), at, tag };
    if (!isScalar(node)) throw new UnreadableError(at, 'is no value');
    // As written in the file: 010 and 1e3 stay.
    const text = node.value === null ? '' : (node.source ?? '');
    return { kind: 'text', text, at, tag };
  }

  /** Own keys win over merged ones, and earlier merged ones over later ones. */
  private entries(pairs: readonly { key: unknown; value: unknown }[], depth: number): Map<string, YamlNode> {
    const merged: YamlNode[] = [];
    const entries = new Map<string, YamlNode>();
    for (const { key, value } of pairs) {
      const at = this.placeOf(key as Node);
      if (!isScalar(key)) throw new UnreadableError(at, 'has a key that is no text');
      const node = this.convert(value as Node | null, at, depth + 1);
      if (key.value === '<<' && key.type === 'PLAIN')
        merged.push(...(node.kind === 'list' ? node.items : [node]));
      else entries.set(String(key.value), node);
    }
    for (const from of merged) {
      if (from.kind !== 'map') throw new UnreadableError(from.at, 'merges what is no mapping');
      for (const [name, node] of from.entries) if (!entries.has(name)) entries.set(name, node);
    }
    return entries;
  }

  private target(alias: Alias, at: SourceLocation): Node {
    const target = this.targets.get(alias);
    if (!target) throw new UnreadableError(at, `names an anchor that is not there: ${alias.source}`);
    return target;
  }

  private placeOf(node: Node | null): SourceLocation {
    const offset = node?.range?.[0];
    return { file: this.file, line: offset === undefined ? undefined : this.lines.linePos(offset).line };
  }
}

/** The node at a path of keys; undefined if there is none. */
export function nodeAt(node: YamlNode | undefined, ...path: readonly string[]): YamlNode | undefined {
  let found = node;
  for (const key of path) found = found?.kind === 'map' ? found.entries.get(key) : undefined;
  return found;
}

/** The text before variables were filled in. */
export function writtenIn({ text, written = text }: YamlText): string {
  return written;
}

/** The texts among the items of a list. */
export function textsOf(items: readonly YamlNode[]): string[] {
  return items.flatMap((item) => (item.kind === 'text' ? [item.text] : []));
}

/** The text at a path of keys, shown as `key: text`; undefined if there is none. */
export function textAt(node: YamlNode | undefined, ...path: readonly string[]): Sourced<string> | undefined {
  const found = nodeAt(node, ...path);
  if (found?.kind !== 'text') return undefined;
  return { value: found.text, text: `${path.at(-1)}: ${writtenIn(found)}`, at: found.at };
}

export function itemsAt(node: YamlNode | undefined, ...path: readonly string[]): readonly YamlNode[] {
  const found = nodeAt(node, ...path);
  return found?.kind === 'list' ? found.items : [];
}

export function entriesAt(
  node: YamlNode | undefined,
  ...path: readonly string[]
): ReadonlyMap<string, YamlNode> {
  const found = nodeAt(node, ...path);
  return found?.kind === 'map' ? found.entries : new Map();
}
