import { constants, fstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';

const { O_NOCTTY, O_NONBLOCK, O_WRONLY } = constants;

/**
 * A descriptor of the same output on which a write never waits for a reader: without room it fails with `EAGAIN`.
 *
 * `O_NONBLOCK` belongs to the open file description, which other processes may share (open(2), fcntl(2)). So a pipe
 * and a terminal are opened anew. A socket cannot be, nor a pipe of another user: there the flag is set on the shared
 * description, as Node itself does once somebody uses `process.stdout`. A file keeps its descriptor: its writes wait
 * for the disk alone, and a new description would begin at its start.
 */
export function toNonblocking(descriptor: number): number {
  if (fstatSync(descriptor).isFile()) return descriptor;
  try {
    return openSync(`/proc/self/fd/${descriptor}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
  } catch {
    setNonblocking(descriptor);
    return descriptor;
  }
}

/** Node has no fcntl(2); a handle of libuv sets the flag when it is made. */
function setNonblocking(descriptor: number): void {
  try {
    // Nothing is written through it, and nobody closes it: the descriptor stays open.
    new Socket({ fd: descriptor, readable: false, writable: true }).on('error', () => {});
  } catch {
    // The event loop has the descriptor already, with the flag; or it is nothing that libuv can wait for.
  }
}
