import { once } from 'node:events';
import { createServer } from 'node:http';

export async function startOrders(): Promise<void> {
  const server = createServer(({ headers }, response) => {
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ tenant: headers['x-tenant'], key: headers['x-api-key'] ?? null }));
  });
  await once(server.listen(4102, '127.0.0.1'), 'listening');
}
