import { once } from 'node:events';
import { request, type ClientRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createService } from '../../apps/reference/src/create-service.js';
import { bearer, JWT_SECRET, startGateway, type RunningGateway } from '../support/gateway.js';
import { describeUnderLoad } from '../support/requirements.js';

const SIZE = 1000;

/** The gateway before the storage service, both in this process. */
async function startSystem() {
  const stack = new AsyncDisposableStack();
  const storage = await createService({ service: 'storage', jwtSecret: JWT_SECRET });
  await storage.listen(0, '127.0.0.1');
  stack.defer(() => storage.close());
  const { port } = (storage.getHttpServer() as Server).address() as AddressInfo;
  const env = { STORAGE_SERVICE_URL: `http://127.0.0.1:${port}` };
  const gateway = stack.use(await startGateway({ env }));
  return { gateway, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function announce({ url }: RunningGateway, headers: object): Promise<string> {
  const response = await fetch(`${url}/v1/storage/upload-url`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify({ filename: 'a', content_type: 'text/plain', size: SIZE }),
  });
  return ((await response.json()) as { data: { upload_url: string } }).data.upload_url;
}

/** Begins an upload, and keeps its last byte. */
function begin({ port }: RunningGateway, path: string): ClientRequest {
  const options = { port, host: '127.0.0.1', method: 'PUT', path, headers: { 'Content-Length': SIZE } };
  const client = request(options).on('error', () => {});
  client.write('x'.repeat(SIZE - 1));
  return client;
}

describeUnderLoad('280 slow uploads of one user', () => {
  it('leave room for another, of whom nothing is refused', async () => {
    await using system = await startSystem();
    const { gateway } = system;
    const slow = bearer();
    const paths: string[] = [];
    for (let n = 0; n < 280; n++) paths.push(await announce(gateway, slow));
    await using stack = new AsyncDisposableStack();
    const refusals = paths.map((path) => {
      const client = begin(gateway, path);
      stack.defer(() => void client.destroy());
      return once(client, 'response').then(([response]) => (response as IncomingMessage).resume().statusCode);
    });
    // Eight go on, and get no response.
    const refused: (number | undefined)[] = [];
    const enough = Promise.withResolvers<void>();
    for (const refusal of refusals) {
      refusal.then(
        (status) => refused.push(status) === 272 && enough.resolve(),
        () => {},
      );
    }
    await enough.promise;

    const path = await announce(gateway, bearer());
    const response = await fetch(gateway.url + path, { method: 'PUT', body: 'y'.repeat(SIZE) });

    expect(response.status).toBe(200);
    expect(new Set(refused)).toEqual(new Set([429]));
  });
});
