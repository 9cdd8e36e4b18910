import { readFileSync } from 'node:fs';

/** Reads the text of a file; undefined if it cannot be read. */
export type ReadText = (path: string) => string | undefined;

const ROOT = '/sys/fs/cgroup';

/** A line of `/proc/self/cgroup`: `0::/pod/app` in version 2, `4:cpu,memory:/docker/1f` in version 1. */
const LINE = /^\d+:([^:]*):(\/.*)$/;

/**
 * Memory limit of the container, in bytes: the lowest limit of the process's control group and of the groups around it,
 * in version 1 or 2 of cgroups; undefined if no limit is set.
 *
 * `process.constrainedMemory()`, by which Node 24 sizes its heap, reads the innermost group alone. It finds no limit if a
 * pod or a slice around that group has it, or if `/proc` names the group as the host sees it.
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

/** Adds the limits of a group and of all groups around it. */
function collect(limits: number[], read: ReadText, root: string, path: string, file: string): void {
  const names = path.split('/').filter((name) => name !== '');
  for (let depth = 0; depth <= names.length; depth++) {
    const text = read([root, ...names.slice(0, depth), file].join('/'))?.trim() ?? '';
    const bytes = /^\d+$/.test(text) ? Number(text) : 0;
    // Without a limit, version 1 has a number that exceeds the memory of every machine.
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
