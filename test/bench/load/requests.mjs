import { fileURLToPath } from 'node:url';
import { runPinned } from '../processes/pinned.mjs';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));

/** A request that takes longer has failed; a machine that stands still for a while fails none. */
const TIMEOUT = '10s';

/**
 * Sends requests over kept connections, each as soon as the one before has its response, by wrk or, if that is not installed,
 * autocannon, which takes more of the core for itself.
 *
 * @returns the number of responses, the milliseconds that they took, and the latencies. @throws Error if a request failed
 */
export async function runRequests({ generator, core, url, connections, seconds, users, upload = 0 }) {
  const parameters = [upload > 0 ? 'POST' : 'GET', upload, ...users];
  const command =
    generator === 'wrk'
      ? [
          'wrk',
          '-t1',
          `-c${connections}`,
          `-d${seconds}s`,
          '--timeout',
          TIMEOUT,
          '-s',
          path('wrk.lua'),
          url,
          '--',
          ...parameters,
        ]
      : [process.execPath, path('autocannon.mjs'), url, connections, seconds, ...parameters];
  const output = await runPinned(core, command.map(String));
  const { failed, ...figures } = JSON.parse(output.slice(output.lastIndexOf('{"requests"')));
  if (failed > 0) throw new Error(`${failed} requests to ${url} failed`);
  return figures;
}
