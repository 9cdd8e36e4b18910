import { readFileSync } from 'node:fs';

/** The text of a file; undefined where there is none. */
export type ReadText = (path: string) => string | undefined;

const ROOT = '/sys/fs/cgroup';

/** A line of `/proc/self/cgroup`: `0::/pod/app` in version 2, `4:cpu,memory:/docker/1f` in version 1. */
const LINE = /^\d+:([^:]*):(\/.*)$/;

/**
 * The bytes of memory that the process's container may have: the least of its control group's limit and of those
 * around it, whichever version of cgroups there is; undefined where none is set.
 *
 * `process.constrainedMemory()`, by which Node 24 sizes its heap, is not enough. It reads the innermost group alone,
 * and finds nothing where the limit is that of a pod or a slice around it, or where `/proc` names the group as the
 * host sees it.
 */
export function memoryLimitBytes(read: ReadText = readText): number | undefined {
  const limits: number[] = [];
  for (const line of read('/proc/self/cgroup')?.split('\n') ?? []) {
    const [, controllers, path] = LINE.exec(line) ?? [];
    if (path === undefined) continue;
    if (controllers === '') collect(limits, read, ROOT, path, 'memory.max');
    else if (controllers!.split(',').includes('memory')) {
      collect(limits, read, `${ROOT}/memory`, path, 'memory.limit_in_bytes');
    }
  }
  return limits.length === 0 ? undefined : Math.min(...limits);
}

/** Adds the limits of a group and of all around it. */
function collect(limits: number[], read: ReadText, root: string, path: string, file: string): void {
  const names = path.split('/').filter((name) => name !== '');
  for (let depth = 0; depth <= names.length; depth++) {
    const text = read([root, ...names.slice(0, depth), file].join('/'))?.trim() ?? '';
    const bytes = /^\d+$/.test(text) ? Number(text) : 0;
    // Version 1 says 'none' by a number that no machine has.
    if (bytes > 0 && bytes <= Number.MAX_SAFE_INTEGER) limits.push(bytes);
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
