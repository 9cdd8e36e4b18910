import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';

const ROOT = '/sys/fs/cgroup';
const REMOVE_ATTEMPTS = 40;
const REMOVE_AGAIN_MS = 50;

/** The files of the two versions of control groups. */
const VERSIONS = [
  { parent: ROOT, limit: 'memory.max', peak: 'memory.peak', kills: 'memory.events', swap: 'memory.swap.max' },
  {
    parent: `${ROOT}/memory`,
    limit: 'memory.limit_in_bytes',
    peak: 'memory.max_usage_in_bytes',
    kills: 'memory.oom_control',
  },
];

/**
 * A limit on the memory of one process, by whatever this machine allows: a control group of our own, a scope of systemd,
 * or nothing. Not `ulimit -v`: V8 reserves far more address space than it uses.
 *
 * @returns what it is called, `wrap` for the command line of the process, `report` of what the kernel counted (undefined
 *   where nobody did), and `remove` for when the process has ended
 */
export function limitMemory(bytes) {
  return limitByGroup(bytes) ?? limitBySystemd(bytes) ?? { kind: undefined, ...UNLIMITED };
}

const UNLIMITED = { wrap: (command) => command, report: () => undefined, remove: () => {} };

function limitByGroup(bytes) {
  for (const { parent, limit, peak, kills, swap } of VERSIONS) {
    const group = `${parent}/gateway-faults-${process.pid}`;
    if (!existsSync(`${parent}/cgroup.procs`)) continue;
    try {
      mkdirSync(group);
    } catch {
      continue;
    }
    const remove = () => removeGroup(group);
    process.once('exit', remove);
    try {
      writeFileSync(`${group}/${limit}`, String(bytes));
      if (swap) writeFileSync(`${group}/${swap}`, '0');
    } catch {
      remove();
      continue;
    }
    return {
      kind: `the control group ${group}`,
      wrap: (command) => ['sh', '-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', group, ...command],
      report: () => ({
        peakBytes: Number(readFileSync(`${group}/${peak}`, 'latin1')),
        kills: Number(/^oom_kill (\d+)$/m.exec(readFileSync(`${group}/${kills}`, 'latin1'))?.[1] ?? 0),
      }),
      remove,
    };
  }
  return undefined;
}

/** Empty it is only a moment after its last process was killed. */
function removeGroup(group) {
  for (let attempt = 0; existsSync(group) && attempt < REMOVE_ATTEMPTS; attempt++) {
    try {
      rmdirSync(group);
    } catch {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, REMOVE_AGAIN_MS);
    }
  }
}

function limitBySystemd(bytes) {
  const run = ['systemd-run', '--scope', '--quiet', '-p', `MemoryMax=${bytes}`, '-p', 'MemorySwapMax=0'];
  if (process.getuid() !== 0) run.push('--user');
  const [command, ...parameters] = [...run, 'true'];
  if (spawnSync(command, parameters, { timeout: 5_000, stdio: 'ignore' }).status !== 0) return undefined;
  return { kind: 'a scope of systemd', ...UNLIMITED, wrap: (line) => [...run, ...line] };
}
