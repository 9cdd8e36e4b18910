import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** A connection as Node's server keeps it, with the response that is due on it. */
interface ServerSocket extends Socket {
  readonly _httpMessage?: ServerResponse | null;
}

/** The response that a client waits for on a connection, also before its first byte; undefined where none is due. */
export function pendingResponseOf(socket: Socket): ServerResponse | undefined {
  return (socket as ServerSocket)._httpMessage ?? undefined;
}
