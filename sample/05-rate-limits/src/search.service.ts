import { once } from 'node:events';
import { createServer } from 'node:http';

export async function startSearch(): Promise<void> {
  const server = createServer((_request, response) => response.end('found\n'));
  await once(server.listen(4105, '127.0.0.1'), 'listening');
}
