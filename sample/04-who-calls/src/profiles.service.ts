import { once } from 'node:events';
import { createServer } from 'node:http';

/** Responds with who calls, as the gateway has told it. */
export async function startProfiles(): Promise<void> {
  const server = createServer(({ headers }, response) => {
    const { authorization = null } = headers;
    response.setHeader('Content-Type', 'application/json');
    response.end(
      JSON.stringify({
        user: headers['x-user-id'],
        plan: headers['x-plan'],
        profile: headers['x-profile'],
        authorization,
      }),
    );
  });
  await once(server.listen(4104, '127.0.0.1'), 'listening');
}
