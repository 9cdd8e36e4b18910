import { memoryLimitBytes } from './memory-limit.js';

const MIB = 1024 * 1024;
const UNLIMITED_V1 = '9223372036854771712\n';

function limitWith(files: Readonly<Record<string, string>>): number | undefined {
  return memoryLimitBytes((path) => files[path]);
}

describe('memoryLimitBytes', () => {
  it.each<[string, Record<string, string>, number | undefined]>([
    [
      'of a container with a namespace of its own, version 2',
      { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.max': `${512 * MIB}\n` },
      512 * MIB,
    ],
    [
      'of a service of systemd',
      {
        '/proc/self/cgroup': '0::/system.slice/gateway.service\n',
        '/sys/fs/cgroup/system.slice/memory.max': 'max\n',
        '/sys/fs/cgroup/system.slice/gateway.service/memory.max': `${300 * MIB}\n`,
      },
      300 * MIB,
    ],
    [
      'of the pod around a container that has none',
      {
        '/proc/self/cgroup': '0::/pod/app\n',
        '/sys/fs/cgroup/pod/memory.max': `${256 * MIB}\n`,
        '/sys/fs/cgroup/pod/app/memory.max': 'max\n',
      },
      256 * MIB,
    ],
    [
      'the least of several',
      {
        '/proc/self/cgroup': '0::/pod/app\n',
        '/sys/fs/cgroup/pod/memory.max': `${256 * MIB}\n`,
        '/sys/fs/cgroup/pod/app/memory.max': `${512 * MIB}\n`,
      },
      256 * MIB,
    ],
    [
      'of a container whose group is named as the host sees it',
      {
        '/proc/self/cgroup': '0::/system.slice/docker-1f.scope\n',
        '/sys/fs/cgroup/memory.max': `${512 * MIB}\n`,
      },
      512 * MIB,
    ],
    [
      'of a container, version 1',
      {
        '/proc/self/cgroup': '9:name=systemd:/x\n4:cpu,memory:/docker/1f\n3:cpuset:/\n0::/\n',
        '/sys/fs/cgroup/memory/memory.limit_in_bytes': UNLIMITED_V1,
        '/sys/fs/cgroup/memory/docker/1f/memory.limit_in_bytes': `${512 * MIB}\n`,
      },
      512 * MIB,
    ],
    [
      'none if version 2 says max',
      { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.max': 'max\n' },
      undefined,
    ],
    [
      'none if version 1 has a number beyond the memory of every machine',
      { '/proc/self/cgroup': '4:memory:/\n', '/sys/fs/cgroup/memory/memory.limit_in_bytes': UNLIMITED_V1 },
      undefined,
    ],
    [
      'none of another controller',
      { '/proc/self/cgroup': '3:cpuset:/\n', '/sys/fs/cgroup/memory.max': '9' },
      undefined,
    ],
    [
      'none if the file has no number',
      { '/proc/self/cgroup': '0::/\nodd', '/sys/fs/cgroup/memory.max': '-1\n' },
      undefined,
    ],
    ['none on a system without cgroups', {}, undefined],
  ])('%s', (_name, files, limit) => {
    expect(limitWith(files)).toBe(limit);
  });
});
