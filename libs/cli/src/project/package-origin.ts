import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { packageRoot, packageVersion } from './package-root.js';

const NAME = 'node_modules/@secureconnect/gateway';

/** npm's own list of what it has installed in a folder, with the origin of each package. */
interface InstalledPackages {
  readonly packages?: Readonly<Record<string, { readonly resolved?: string }>>;
}

/**
 * What a new project's `package.json` names as the gateway: the file that this package was installed from, as by
 * `npx --package FILE`; or its version, if it comes from a registry.
 */
export function gatewaySpec(root = packageRoot()): string {
  const folder = resolve(root, '../../..');
  const list = join(folder, 'node_modules/.package-lock.json');
  const { packages }: InstalledPackages = existsSync(list)
    ? (JSON.parse(readFileSync(list, 'utf8')) as InstalledPackages)
    : {};
  const file = packages?.[NAME]?.resolved?.match(/^file:(.+)$/)?.[1];
  return file === undefined ? `^${packageVersion()}` : `file:${resolve(folder, file)}`;
}
