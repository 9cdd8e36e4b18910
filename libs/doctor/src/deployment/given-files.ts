import { posix } from 'node:path';
import { itemsAt, textAt, type YamlNode } from '../files/yaml.tree.js';
import type { ComposeService } from './service.js';

const SECRETS = '/run/secrets';

/** Folders that base images have. */
const OF_IMAGES = /^\/(?:etc\/(?:ssl|pki)|usr|opt)\//;

/** Whether a file is in a service's container; undefined if its image or a volume may have it. */
export function hasFile(service: ComposeService, path: string): boolean | undefined {
  const given = [
    ...itemsAt(service.node, 'secrets').map((item) => targetOf(item, SECRETS)),
    ...itemsAt(service.node, 'configs').map((item) => targetOf(item, '/')),
  ];
  if (given.includes(path)) return true;
  if (service.mounts.some(({ target }) => isWithin(path, target))) return undefined;
  return isWithin(path, SECRETS) || isMissingInImage(service, path) ? false : undefined;
}

/** The path at which compose puts a secret or a config: its `target`, or its name in the default folder. */
function targetOf(item: YamlNode, folder: string): string | undefined {
  if (item.kind === 'text') return posix.join(folder, item.text);
  const target = textAt(item, 'target')?.value ?? textAt(item, 'source')?.value;
  return target === undefined ? undefined : posix.resolve(folder, target);
}

function isMissingInImage({ stage }: ComposeService, path: string): boolean {
  // An image that is not built here may have any file, and so may a copy from another stage.
  if (!stage || OF_IMAGES.test(path) || isWithin(path, stage.folder)) return false;
  const isMade = [...stage.runWords].some((word) => word.includes(posix.dirname(path)));
  return !isMade && !stage.copies.some(({ target }) => isWithin(path, posix.join(target, '.')));
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}
