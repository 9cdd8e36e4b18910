import { writtenIn, type YamlMap, type YamlNode } from './yaml.tree.js';

/** Keys whose value is a mapping or a list of `NAME=value`. */
const PAIRS = new Set(['environment', 'labels', 'args']);

/** Keys whose value is a list of names, or a mapping of names to options. */
const NAMES = new Set(['networks', 'depends_on']);

/** Keys whose later list replaces the earlier one. */
const REPLACED = new Set(['command', 'entrypoint', 'test']);

/** Merges two compose files by compose's rules: mappings by key, lists by appending. */
export function mergeCompose(base: YamlMap, over: YamlMap): YamlMap {
  const entries = new Map(base.entries);
  for (const [name, node] of over.entries) {
    if (node.tag === '!reset') entries.delete(name);
    else entries.set(name, merge(name, entries.get(name), node));
  }
  return { ...base, entries };
}

function merge(name: string, base: YamlNode | undefined, over: YamlNode): YamlNode {
  const isMap = PAIRS.has(name) || (NAMES.has(name) && base?.kind !== over.kind);
  const [below, above] = isMap ? [base && toMap(base), toMap(over)] : [base, over];
  if (below === undefined || above.tag === '!override' || REPLACED.has(name)) return above;
  if (below.kind === 'map' && above.kind === 'map') return mergeCompose(below, above);
  if (below.kind === 'list' && above.kind === 'list')
    return { ...above, items: [...below.items, ...above.items] };
  return above;
}

/** Converts a list of `NAME=value`, or of names, to a mapping. */
export function toMap(node: YamlNode): YamlNode {
  if (node.kind !== 'list') return node;
  const entries = new Map<string, YamlNode>();
  for (const item of node.items) {
    if (item.kind !== 'text') continue;
    const [name, ...value] = item.text.split('=');
    const written = writtenIn(item).split('=').slice(1).join('=');
    entries.set(name!, { ...item, text: value.join('='), written });
  }
  return { kind: 'map', entries, at: node.at };
}
