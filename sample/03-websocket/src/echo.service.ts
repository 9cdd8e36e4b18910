import { once } from 'node:events';
import { WebSocketServer } from 'ws';

/** Sends every message back. */
export async function startEcho(): Promise<void> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 4103, path: '/echo' });
  server.on('connection', (socket) => {
    socket.on('message', (message, isBinary) => socket.send(message, { binary: isBinary }));
  });
  await once(server, 'listening');
}
