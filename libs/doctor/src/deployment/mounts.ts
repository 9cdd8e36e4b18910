import { itemsAt, textAt, type YamlNode } from '../files/yaml.tree.js';
import type { SourceLocation } from '../files/sourced.js';

export interface Mount {
  /** On this machine, relative to the folder of the compose file; undefined for a volume or a tmpfs. */
  readonly source: string | undefined;
  /** In the container. */
  readonly target: string;
  readonly at: SourceLocation;
}

/** The `volumes` of a service. */
export function readMounts(service: YamlNode): Mount[] {
  return itemsAt(service, 'volumes').flatMap((item) => {
    if (item.kind === 'map') {
      const target = withoutSlash(textAt(item, 'target')?.value ?? '');
      const source = textAt(item, 'type')?.value === 'bind' ? textAt(item, 'source')?.value : undefined;
      return [{ source, target, at: item.at }];
    }
    if (item.kind !== 'text') return [];
    const [source, target] = item.text.split(':');
    if (target === undefined) return [{ source: undefined, target: withoutSlash(source!), at: item.at }];
    const isPath = /^[./~]/.test(source!);
    return [{ source: isPath ? source : undefined, target: withoutSlash(target), at: item.at }];
  });
}

const withoutSlash = (path: string): string => path.replace(/(?<=.)\/+$/, '');
