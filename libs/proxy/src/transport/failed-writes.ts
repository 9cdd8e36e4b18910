import type { Socket } from 'node:net';

type Done = (error?: Error | null) => void;

/**
 * Lets a connection be read to its end after a write to it failed. A service may respond to an upload before it has read it,
 * and close. Then the write fails while the response waits to be read, and Node would destroy the connection with both.
 *
 * Later writes are discarded. The reader sees that the connection broke by its end behind the response.
 * @param onError called with the first failure of a write
 */
export function readOnAfterFailedWrites(socket: Socket, onError: (error: Error) => void): void {
  const { _write: write, _writev: writev } = socket;
  let hasFailed = false;
  const attempt = (send: (done: Done) => void, done: Done): void => {
    if (hasFailed) {
      done();
      return;
    }
    send((error) => {
      if (error) {
        hasFailed = true;
        onError(error);
      }
      done();
    });
  };
  socket._write = (chunk: unknown, encoding, done): void =>
    attempt((sent) => write.call(socket, chunk, encoding, sent), done);
  socket._writev = (chunks, done): void => attempt((sent) => writev!.call(socket, chunks, sent), done);
}
