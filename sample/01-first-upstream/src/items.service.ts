import { once } from 'node:events';
import { createServer } from 'node:http';

/** The service behind the gateway; a team has one of its own. */
export async function startItems(): Promise<void> {
  const server = createServer((request, response) => {
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ method: request.method, url: request.url }));
  });
  await once(server.listen(4101, '127.0.0.1'), 'listening');
}
