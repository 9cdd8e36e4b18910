// The least memory for clients of Node's own server: it responds by itself, and has no limits.
import { createServer } from 'node:http';
import { SMALL } from '../service/bodies.mjs';

const { PORT } = process.env;

const server = createServer((_request, response) => {
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': SMALL.length }).end(SMALL);
});
server.keepAliveTimeout = 3_600_000;
server.listen({ port: Number(PORT), host: '127.0.0.1', backlog: 4_096 });
