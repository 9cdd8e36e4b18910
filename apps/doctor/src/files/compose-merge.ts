import { writtenIn, type YamlMap, type YamlNode } from './yaml.tree.js';

/** Keys that are mappings or lists of `NAME=value`, as the author likes. */
const PAIRS = new Set(['environment', 'labels', 'args']);

/** Keys that are lists of names, or mappings where a name has more to say. */
const NAMES = new Set(['networks', 'depends_on']);

/** Keys whose later list takes the place of the earlier one. */
const REPLACED = new Set(['command', 'entrypoint', 'test']);

/** Lays one compose file over another by compose's rules: mappings by key, lists one after the other. */
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

/** A list of `NAME=value`, or of names, as the mapping that it stands for. */
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
