import { readFileSync } from 'node:fs';

/** The text of a file; undefined if there is no such file. */
export type ReadText = (path: string) => string | undefined;

/** The root folder of the control groups, and the name of the limit file in each group's folder. */
interface LimitFiles {
  readonly root: string;
  readonly file: string;
}

const VERSION_1: LimitFiles = { root: '/sys/fs/cgroup/memory', file: 'memory.limit_in_bytes' };
const VERSION_2: LimitFiles = { root: '/sys/fs/cgroup', file: 'memory.max' };

/** A line of `/proc/self/cgroup`: `0::/pod/app` in version 2, `4:cpu,memory:/docker/1f` in version 1. */
const LINE = /^\d+:([^:]*):(\/.*)$/;

/**
 * The bytes of memory that the process's container may use: the least of the limits of its control group and of its
 * ancestor groups, in either version of cgroups. Undefined if none of them has a limit.
 *
 * `process.constrainedMemory()` is not enough, and Node 24 sizes its heap by it. It reads the innermost group alone. It finds
 * no limit if the limit is that of a pod or a slice around the group, or if `/proc/self/cgroup` shows the group's
 * path on the host, which does not exist inside the container.
 */
export function memoryLimitBytes(read: ReadText = readText): number | undefined {
  const limits: number[] = [];
  for (const line of read('/proc/self/cgroup')?.split('\n') ?? []) {
    const [, controllers, path] = LINE.exec(line) ?? [];
    if (path === undefined) continue;
    if (controllers === '') limits.push(...limitsAround(path, VERSION_2, read));
    else if (controllers!.split(',').includes('memory')) limits.push(...limitsAround(path, VERSION_1, read));
  }
  return limits.length === 0 ? undefined : Math.min(...limits);
}

/** The limits of a group and of its ancestors up to the root, in bytes. A file that cannot be read counts as no limit. */
function* limitsAround(path: string, { root, file }: LimitFiles, read: ReadText): Iterable<number> {
  const names = path.split('/').filter((name) => name !== '');
  for (let depth = 0; depth <= names.length; depth++) {
    const text = read([root, ...names.slice(0, depth), file].join('/'))?.trim() ?? '';
    const bytes = /^\d+$/.test(text) ? Number(text) : 0;
    // Version 1 writes 'no limit' as a number above any machine's memory.
    if (bytes > 0 && bytes <= Number.MAX_SAFE_INTEGER) yield bytes;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
