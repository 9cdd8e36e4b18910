import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { track } from '../../faults/children.mjs';

/** The command line that runs a command on one core. */
export function pinned(core, command) {
  return ['taskset', '--cpu-list', String(core), ...command];
}

/** A process on one core, which ends with this one. */
export function spawnPinned(core, command, options) {
  const [program, ...parameters] = pinned(core, command);
  return track(spawn(program, parameters, options));
}

/** Runs a command on one core. @returns its output. @throws Error if it ends with another code than 0 */
export async function runPinned(core, command) {
  const child = spawnPinned(core, command, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [output, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${command[0]} ended with ${code}: ${errors || output}`);
  return output;
}
