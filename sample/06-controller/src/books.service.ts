import { once } from 'node:events';
import { createServer } from 'node:http';

export async function startBooks(): Promise<void> {
  const server = createServer((_request, response) => response.end('["Frankenstein"]'));
  await once(server.listen(4106, '127.0.0.1'), 'listening');
}
