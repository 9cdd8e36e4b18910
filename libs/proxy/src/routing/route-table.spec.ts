import { compilePath } from './compiled-path.js';
import type { HttpMethod, Route } from './route.js';
import { allowOf, RouteTable } from './route-table.js';
import type { TableRow } from './table-row.js';

const row = (path: string, methods: HttpMethod[] = ['GET'], more: Partial<Route> = {}): TableRow => ({
  route: { path, methods, ...more },
  upstream: 'x-service',
});

function tableOf(...rows: TableRow[]): RouteTable<TableRow> {
  const table = new RouteTable<TableRow>();
  for (const each of rows) table.add(each);
  return table;
}

describe('RouteTable', () => {
  const table = tableOf(
    row('/'),
    row('/a'),
    row('/a/:id'),
    row('/a/me'),
    row('/a/me/x'),
    row('/a/:id/y'),
    row('/a/:id/:other'),
    row('/:any/b/c'),
  );

  it.each([
    ['/', '/'],
    ['/a', '/a'],
    ['/a/1', '/a/:id'],
    ['/a/me', '/a/me'],
    ['/a/me/x', '/a/me/x'],
    ['/a/me/y', '/a/:id/y'],
    ['/a/me/z', '/a/:id/:other'],
    ['/a/b/c', '/a/:id/:other'],
    ['/q/b/c', '/:any/b/c'],
    ['/a/:id', '/a/:id'],
  ])('finds %s at %s: the literal further left wins, and a way that ends is taken back', (path, template) => {
    expect(table.find(path)?.template).toBe(template);
  });

  it.each(['/a/', '/a/1/', '/b', '/A', '/a/1/2/3', '/q/b'])('finds nothing for %s', (path) => {
    expect(table.find(path)).toBeUndefined();
  });

  it('finds the row of each method, and HEAD where GET is', () => {
    const entry = tableOf(row('/a', ['GET']), row('/a', ['POST', 'PUT'])).find('/a')!;

    expect([...entry.byMethod.keys()]).toEqual(['GET', 'HEAD', 'POST', 'PUT']);
    expect(entry.byMethod.get('PUT')!.route.methods).toEqual(['POST', 'PUT']);
    expect(allowOf(entry)).toBe('GET, HEAD, POST, PUT');
  });

  it('has no HEAD for a WebSocket', () => {
    expect(allowOf(tableOf(row('/a', ['GET'], { websocket: {} })).find('/a')!)).toBe('GET');
  });

  it.each([
    [
      row('/a', ['GET']),
      row('/a', ['HEAD', 'GET']),
      /HEAD,GET \/a \(x-service\) repeats GET \/a \(x-service\)/,
    ],
    [row('/a/:id'), row('/a/:id'), /GET \/a\/:id \(x-service\) repeats GET \/a\/:id/],
    [row('/a/:id'), row('/a/:room', ['POST']), /POST \/a\/:room .* contradicts GET \/a\/:id/],
    [row('/a', ['GET'], { websocket: {} }), row('/a'), /GET \/a .* repeats WEBSOCKET \/a/],
  ])('refuses two rows that cannot both be', (one, other, message) => {
    expect(() => tableOf(one, other)).toThrow(message);
  });
});

describe('compilePath', () => {
  it('knows where the parameters are', () => {
    expect([...compilePath(row('/a/:id/b/:other')).parameters]).toEqual([
      ['id', 1],
      ['other', 3],
    ]);
  });

  it.each([
    [undefined, '/a/1%20/b?q=%2F', '/a/1%20/b?q=%2F'],
    ['/c', '/a/1/b', '/c'],
    ['/c', '/a/1/b?q=1?2', '/c?q=1?2'],
    ['/c/:id/d', '/a/%C3%A9/b?', '/c/%C3%A9/d?'],
    ['/:id', '/a/x/b', '/x'],
  ])('rewritten to %s, makes %s %s', (rewrite, url, target) => {
    const { targetOf } = compilePath(row('/a/:id/b', ['GET'], rewrite === undefined ? {} : { rewrite }));

    expect(targetOf(url)).toBe(target);
  });

  it.each([
    [row('/a', []), 'names no method'],
    [row('a'), 'a path that no request can have'],
    [row('/a/'), 'a path that no request can have'],
    [row('/a//b'), 'a path that no request can have'],
    [row('/a/../b'), 'a path that no request can have'],
    [row('/a/:'), 'a nameless parameter'],
    [row('/a/:1'), 'a nameless parameter'],
    [row('/:a/:a'), 'names the parameter :a twice'],
    [row('/a', ['GET'], { rewrite: 'b' }), 'rewrites to a path that no request can have'],
    [row('/a', ['GET'], { rewrite: '/:id' }), 'rewrites with :id, which its path does not have'],
    [row('/a', ['GET', 'POST'], { websocket: {} }), 'is a WebSocket, which is asked for with GET alone'],
  ])('refuses a row that makes no sense', (faulty, message) => {
    expect(() => compilePath(faulty)).toThrow(message);
  });
});
