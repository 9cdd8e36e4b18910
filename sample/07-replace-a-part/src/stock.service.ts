import { once } from 'node:events';
import { createServer } from 'node:http';

/** One instance of the service. */
export async function startStock(name: string, port: number): Promise<void> {
  const server = createServer((_request, response) => response.end(`${name}\n`));
  await once(server.listen(port, '127.0.0.1'), 'listening');
}
