import { readFile } from 'node:fs/promises';
import { Upstream, UpstreamRegistry, type RouteOptions } from '@app/proxy/internal';
import { Module, type Type } from '@nestjs/common';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { startGateway, type RunningGateway } from '../support/gateway.js';
import { exchangeRaw } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { rawHandshake } from '../support/websocket.js';

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: object }>>>>;
  readonly components: {
    readonly schemas: { readonly Error: object };
    readonly responses: Readonly<Record<string, { readonly headers?: object }>>;
  };
}

async function documentOf(gateway: RunningGateway): Promise<Document> {
  return (await (await fetch(`${gateway.url}/swagger`)).json()) as Document;
}

function moduleOf(...routes: RouteOptions[]): Type {
  @Upstream({
    name: 'forms-service',
    instances: ['http://127.0.0.1:9'],
    routes,
  })
  class FormsUpstream {}
  @Module({ providers: [FormsUpstream] })
  class FormsModule {}
  return FormsModule;
}

const PUBLIC = { methods: ['GET', 'POST'], auth: 'none' } as const;

const CLOSE = { Connection: 'close' };

/** A route of each form that the document has. */
const FORMS: readonly RouteOptions[] = [
  { methods: ['*'], path: '/all/:name' },
  { ...PUBLIC, path: '/slashes/:name/', allowedInPath: ['encodedSlash', 'encodedPercent'] },
  { ...PUBLIC, path: '/rest/{*rest}' },
  { ...PUBLIC, path: '/both/:name' },
  { ...PUBLIC, path: '/both/*rest' },
  { ...PUBLIC, path: '/socket', websocket: {} },
  { methods: ['GET'], path: '/socket-only', websocket: {} },
  { ...PUBLIC, path: '/pages', crossOrigin: 'any' },
  { ...PUBLIC, path: '/own-rules', cors: 'upstream' },
  { ...PUBLIC, path: '/once', limit: { name: 'ONCE', perMinute: 1 } },
];

function startWithForms(): Promise<RunningGateway> {
  return startGateway({ modules: [moduleOf(...FORMS)], env: { RATELIMIT: 'on' } });
}

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

describe('the document', () => {
  it('is valid by the JSON Schema of OpenAPI 3.1', async () => {
    await using gateway = await startWithForms();
    const schema = JSON.parse(await readFile('test/openapi/openapi-3.1.schema.json', 'utf8')) as object;
    // The schema gives `format` for people.
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schema);
    const document = await documentOf(gateway);

    validate(document);

    expect(validate.errors).toBeNull();
    expect(document.paths).toHaveProperty(['/slashes/{name}/']);
  });

  it('has no reference without its target', async () => {
    await using gateway = await startWithForms();
    const text = JSON.stringify(await documentOf(gateway));
    const { components } = JSON.parse(text) as Document;

    const names = new Set([...text.matchAll(/"#\/components\/([^"]+)"/g)].map(([, name]) => name!));

    expect(names.size).toBeGreaterThan(10);
    for (const name of names) expect(components).toHaveProperty(name.split('/'));
  });

  it.each<[operation: string, path: string, method: string, statuses: string]>([
    [
      'a route with a token',
      '/all/{name}',
      'get',
      '400 401 403 404 408 413 417 429 431 500 502 503 504 2XX default',
    ],
    ['one without', '/rest/{rest}', 'get', '400 403 404 408 413 417 429 431 500 502 503 504 2XX default'],
    [
      'one for pages of all origins',
      '/pages',
      'get',
      '400 404 408 413 417 429 431 500 502 503 504 2XX default',
    ],
    [
      "one with the service's CORS",
      '/own-rules',
      'get',
      '400 404 408 413 417 429 431 500 502 503 504 2XX default',
    ],
    [
      'a WebSocket',
      '/socket-only',
      'get',
      '101 400 401 403 404 408 413 417 426 429 431 500 502 503 504 default',
    ],
    [
      'a WebSocket beside a GET',
      '/socket',
      'get',
      '101 400 403 404 408 413 417 426 429 431 500 502 503 504 2XX default',
    ],
    ['a POST beside them', '/socket', 'post', '400 403 404 408 413 417 429 431 500 502 503 504 2XX default'],
    ['a page of the gateway', '/swagger', 'get', '400 403 408 413 417 429 431 500 503 2XX default'],
    ['a probe', '/health/ready', 'get', '400 403 408 413 417 431 500 503 2XX default'],
  ])('gives the statuses of %s', async (_operation, path, method, statuses) => {
    await using gateway = await startWithForms();

    const { paths } = await documentOf(gateway);

    expect(Object.keys(paths[path]![method]!.responses).join(' ')).toBe(statuses);
  });
});

/** Requests that the gateway responds to by itself, each to the end of its connection. */
const REFUSED: readonly (readonly [status: number, bytes: string])[] = [
  [400, rawRequest('GET /all/a%2Fb', { headers: CLOSE })],
  [401, rawRequest('GET /all/a', { headers: { ...CLOSE, Authorization: 'Bearer x' } })],
  [403, rawRequest('GET /once', { headers: { ...CLOSE, Origin: 'https://evil.example' } })],
  [404, rawRequest('GET /nowhere', { headers: CLOSE })],
  [405, rawRequest('PUT /once', { headers: CLOSE })],
  [413, rawRequest('POST /pages', { headers: { ...CLOSE, 'Content-Length': 2 ** 40 } })],
  [417, rawRequest('GET /pages', { headers: { ...CLOSE, Expect: 'wonders' } })],
  [426, rawHandshake('/socket', { 'Sec-WebSocket-Version': '8' })],
  [429, rawRequest('GET /once') + rawRequest('GET /once', { headers: CLOSE })],
  [431, rawRequest('GET /pages', { headers: { ...CLOSE, 'X-Long': 'a'.repeat(17_000) } })],
  [501, rawRequest('BREW /pages', { headers: CLOSE })],
  [502, rawRequest('GET /pages', { headers: CLOSE })],
];

describe('an error of the gateway', () => {
  it.each(REFUSED)('has the documented form and headers: %d', async (status, bytes) => {
    await using gateway = await startWithForms();
    const { components } = await documentOf(gateway);
    const validate = new Ajv2020({ strict: false }).compile(components.schemas.Error);

    const { statuses, json, text } = await exchangeRaw(gateway.port, bytes);

    expect(statuses.at(-1)).toBe(status);
    validate(json);
    expect(validate.errors).toBeNull();
    const head = text.slice(text.lastIndexOf('HTTP/1.1 '));
    const sent = [...head.matchAll(/^([\w-]+): /gm)].map(([, name]) => name);
    expect(sent).toEqual(expect.arrayContaining(Object.keys(components.responses[status]!.headers ?? {})));
  });
});
