import { constants, fstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';

const { O_NOCTTY, O_NONBLOCK, O_WRONLY } = constants;

/**
 * Returns a descriptor of the same output that does not block: if the reader leaves no room, a write fails with `EAGAIN`.
 *
 * `O_NONBLOCK` belongs to the open file description, which other processes may share (open(2), fcntl(2)). So pipes and
 * terminals are opened again. Sockets, and pipes of another user, cannot be opened: their shared description gets the
 * flag, as Node does for `process.stdout`. Files keep their descriptor: their writes wait only for the disk, and a new
 * description would begin at the start of the file.
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

/** Sets the flag by a handle of libuv, since Node has no fcntl(2). */
function setNonblocking(descriptor: number): void {
  try {
    // Nothing uses or closes the socket, so the descriptor stays open.
    new Socket({ fd: descriptor, readable: false, writable: true }).on('error', () => {});
  } catch {
    // The event loop already has the descriptor, with the flag, or libuv cannot wait for its type.
  }
}
