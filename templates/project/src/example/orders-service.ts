// A service to try the gateway with. Delete it once the orders service is your own.
import { createServer, type ServerResponse } from 'node:http';
import { WebSocketServer } from 'ws';

const PRODUCTS = [{ id: 'tea', price: 4 }];

const send = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
};

const server = createServer((request, response) => {
  // The gateway has verified the token.
  const user = request.headers['x-user-id'];
  if (request.url === '/health') send(response, 200, { status: 'ok' });
  else if (request.url === '/products') send(response, 200, PRODUCTS);
  else send(response, 200, { user, method: request.method, path: request.url });
});
// Longer than the gateway keeps an unused connection, so that it never sends on one that closes.
server.keepAliveTimeout = 65_000;

/** Sends each message back. */
const sockets = new WebSocketServer({ server });
sockets.on('connection', (socket) => {
  socket.on('message', (message, isBinary) => socket.send(message, { binary: isBinary }));
});

server.listen(Number(process.env['PORT'] ?? 4000), process.env['HOST'] ?? '127.0.0.1', () => {
  const address = server.address();
  console.log(JSON.stringify({ message: 'listening', service: 'orders', ...Object(address) }));
});

process.once('SIGTERM', () => {
  for (const socket of sockets.clients) socket.close(1012);
  server.close();
});
