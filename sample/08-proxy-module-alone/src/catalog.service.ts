import { once } from 'node:events';
import { createServer } from 'node:http';

export async function startCatalog(): Promise<void> {
  const server = createServer((request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/plain' });
    response.write(`${request.method} ${request.url} `);
    request.pipe(response);
  });
  await once(server.listen(4108, '127.0.0.1'), 'listening');
}
