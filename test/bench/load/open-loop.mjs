import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runPinned } from '../processes/pinned.mjs';
import { bodyOf } from '../service/bodies.mjs';

const SOURCE = fileURLToPath(new URL('open-loop', import.meta.url));

const program = (directory) => join(directory, 'open-loop');
const usersFile = (directory) => join(directory, 'users');

/** Tests the generator and builds it, for the users that send its requests: values of Authorization. */
export function prepareOpenLoop({ directory, users }) {
  execFileSync('go', ['test', '.'], { cwd: SOURCE });
  execFileSync('go', ['build', '-o', program(directory), '.'], { cwd: SOURCE });
  writeFileSync(usersFile(directory), users.join('\n'));
}

/**
 * Sends requests over kept connections at a fixed rate, or, without a `rate`, each as soon as a connection is free. The latencies of
 * the `leadIn` do not count. `paths` and the lines of `userFile` are used in turn.
 *
 * @returns the number of responses, the milliseconds that they took, the latencies, and `lateMs`: 99 % of the requests were sent
 *   at most so long after they were due, the wait for a connection aside. @throws Error if a request failed
 */
export async function runOpenLoop({ cores, directory, users }, { port }, load) {
  const { path, paths = [path], userFile = usersFile(directory), mostUsers = users.length } = load;
  const { connections, seconds, rate = 0, leadIn = 0, upload = 0, fields = 0 } = load;
  const pathFile = join(directory, 'paths');
  writeFileSync(pathFile, paths.join('\n'));
  const options = {
    port,
    connections,
    rate,
    length: `${Math.round(seconds * 1_000)}ms`,
    'lead-in': `${Math.round(leadIn * 1_000)}ms`,
    method: upload > 0 ? 'POST' : 'GET',
    paths: pathFile,
    users: userFile,
    'most-users': mostUsers,
    fields,
    'body-bytes': upload,
    'response-bytes': bodyOf(paths[0]).length,
  };
  const parameters = Object.entries(options).map(([name, value]) => `-${name}=${value}`);
  return JSON.parse(await runPinned(cores.load, [program(directory), ...parameters]));
}
