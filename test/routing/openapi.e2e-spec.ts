import { UpstreamRegistry } from '@app/proxy';
import { startGateway } from '../support/gateway.js';

describe('/swagger', () => {
  it('is an OpenAPI 3.1 document of every row of the route tables', async () => {
    await using gateway = await startGateway();

    const document = (await (await fetch(`${gateway.url}/swagger`)).json()) as {
      openapi: string;
      paths: Record<string, Record<string, { security?: unknown; tags: string[] }>>;
    };

    expect(document.openapi).toBe('3.1.0');
    expect(document.paths['/v1/auth/login']!.post!.security).toBeUndefined();
    expect(document.paths['/v1/users/me']!.delete!.security).toEqual([{ bearer: [] }]);
    expect(document.paths['/v1/conversations/{id}/participants/{userId}']).toMatchObject({
      parameters: [{ name: 'id' }, { name: 'userId' }],
      delete: { tags: ['auth-service'], responses: { 401: expect.anything() } },
    });
    expect(document.paths['/v1/ws/chat']!.get).toMatchObject({ responses: { 101: expect.anything() } });
    const operations = Object.values(document.paths).flatMap((path) =>
      Object.keys(path).filter((key) => key !== 'parameters'),
    );
    expect(operations).toHaveLength(55);
  });

  it('is made once, before anybody asks', async () => {
    await using gateway = await startGateway();
    const registry = gateway.app.get(UpstreamRegistry, { strict: false });
    let reads = 0;
    const { routes } = registry;
    Object.defineProperty(registry, 'routes', { get: () => (reads++, routes) });

    const ask = async (): Promise<[string | null, string]> => {
      const response = await fetch(`${gateway.url}/swagger`);
      return [response.headers.get('content-type'), await response.text()];
    };
    const documents = [await ask(), await ask()];

    expect(reads).toBe(0);
    expect(documents[1]).toEqual(documents[0]);
    expect(documents[0]![0]).toBe('application/json; charset=utf-8');
    expect(JSON.parse(documents[0]![1])).toHaveProperty('openapi');
  });
});
