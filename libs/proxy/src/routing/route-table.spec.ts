import { METHODS } from 'node:http';
import { compilePath } from './path-pattern.js';
import type { HttpMethod } from './methods.js';
import type { RouteOptions } from './route-options.js';
import { allowOf, RouteTable } from './route-table.js';
import { RouteTableConfigurationError, type UpstreamRoute } from './upstream-route.js';

const row = (
  path: string,
  methods: RouteOptions['methods'] = ['GET'],
  more: Partial<RouteOptions> = {},
): UpstreamRoute => ({
  options: { path, methods, ...more },
  upstream: 'x-service',
});

function tableOf(...rows: UpstreamRoute[]): RouteTable<UpstreamRoute> {
  const table = new RouteTable<UpstreamRoute>();
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

  it.each([
    ['/x/b/c/e', '/x/b/:c/e'],
    ['/x/b/c/f', '/x/:b/c/f'],
    ['/x/b/c/d', '/:a/b/c/d'],
    ['/x/b', '/:a/b'],
    ['/x', '/:a'],
    ['/x/b/c/g', undefined],
    ['/x/b/c', undefined],
    ['/x/', undefined],
  ])('takes back as many steps as it must: %s is %s, in whatever order the rows came', (path, template) => {
    const rows = [row('/x/b/:c/e'), row('/x/:b/c/f'), row('/:a/b/c/d'), row('/:a/b'), row('/:a')];

    expect(tableOf(...rows).find(path)?.template).toBe(template);
    expect(tableOf(...rows.toReversed()).find(path)?.template).toBe(template);
  });

  it('finds nothing for a name that every object has', () => {
    const names = ['constructor', '__proto__', 'toString'];

    expect(names.filter((name) => tableOf(row('/a')).find(`/${name}`))).toEqual([]);
    expect(names.map((name) => tableOf(row(`/${name}`)).find(`/${name}`)?.template)).toEqual([
      '/constructor',
      '/__proto__',
      '/toString',
    ]);
  });

  it('keeps its rows in the order in which they came', () => {
    const rows = [row('/b'), row('/a/:id'), row('/a/:id', ['POST']), row('/')];

    expect(tableOf(...rows).routes).toStrictEqual(rows);
  });

  it.each<[HttpMethod[], string]>([
    [['GET'], 'GET, HEAD'],
    [['HEAD', 'GET'], 'HEAD, GET'],
    [['HEAD'], 'HEAD'],
    [['POST'], 'POST'],
    [['DELETE', 'GET', 'OPTIONS'], 'DELETE, GET, OPTIONS, HEAD'],
  ])('allows for %j: %s', (methods, allow) => {
    expect(allowOf(tableOf(row('/a', methods)).find('/a')!)).toBe(allow);
  });

  it('finds the row of each method, and HEAD where GET is', () => {
    const entry = tableOf(row('/a', ['GET']), row('/a', ['POST', 'PUT'])).find('/a')!;

    expect([...entry.byMethod.keys()]).toEqual(['GET', 'HEAD', 'POST', 'PUT']);
    expect(entry.byMethod.get('PUT')!.options.methods).toEqual(['POST', 'PUT']);
    expect(allowOf(entry)).toBe('GET, HEAD, POST, PUT');
  });

  it('finds a WebSocket beside plain requests of its path, whichever was added first', () => {
    const websocket = row('/a', ['GET'], { websocket: {} });
    const plain = row('/a', ['GET', 'POST']);
    for (const rows of [
      [websocket, plain],
      [plain, websocket],
    ]) {
      const found = tableOf(...rows).find('/a')!;

      expect(found.websocket).toBe(websocket);
      expect(found.byMethod.get('GET')).toBe(plain);
      expect(allowOf(found)).toBe('GET, POST, HEAD');
    }
    const both = row('/a', ['GET', 'POST'], { websocket: {} });
    const found = tableOf(both).find('/a')!;
    expect([found.websocket, found.byMethod.get('GET'), found.byMethod.get('HEAD')]).toEqual([
      both,
      both,
      both,
    ]);
    expect(tableOf(plain).find('/a')!.websocket).toBeUndefined();
  });

  it('takes * for every method but CONNECT and TRACE', () => {
    const all = METHODS.filter((method) => method !== 'CONNECT' && method !== 'TRACE');

    expect([
      ...tableOf(row('/a', ['*']))
        .find('/a')!
        .byMethod.keys(),
    ]).toEqual(all);
    expect([
      ...tableOf(row('/a', ['*', 'TRACE', 'GET']))
        .find('/a')!
        .byMethod.keys(),
    ]).toEqual([...all, 'TRACE']);
    expect(
      tableOf(row('/a', ['*']), row('/a', ['TRACE']))
        .find('/a')!
        .byMethod.get('TRACE')!.options.methods,
    ).toEqual(['TRACE']);
  });

  it('has no HEAD for a WebSocket', () => {
    expect(allowOf(tableOf(row('/a', ['GET'], { websocket: {} })).find('/a')!)).toBe('GET');
    expect(allowOf(tableOf(row('/a', ['GET'], { websocket: {} }), row('/a', ['POST'])).find('/a')!)).toBe(
      'GET, POST',
    );
  });

  it.each([
    [
      row('/a', ['GET']),
      row('/a', ['HEAD', 'GET']),
      /HEAD,GET \/a \(x-service\) repeats GET \/a \(x-service\)/,
    ],
    [row('/a/:id'), row('/a/:id'), /GET \/a\/:id \(x-service\) repeats GET \/a\/:id/],
    [row('/a/:id'), row('/a/:room', ['POST']), /POST \/a\/:room .* contradicts GET \/a\/:id/],
    [
      row('/a', ['GET'], { websocket: {} }),
      row('/a', ['GET'], { websocket: {} }),
      /WEBSOCKET \/a .* repeats WEBSOCKET \/a .* for the upgrade$/,
    ],
    [
      row('/a', ['GET'], { websocket: {} }),
      row('/a', ['*'], { websocket: {} }),
      /^\* \/a .* repeats WEBSOCKET \/a .* for the upgrade$/,
    ],
    [
      row('/a', ['GET', 'POST'], { websocket: {} }),
      row('/a'),
      /^GET \/a .* repeats GET,POST \/a .* for GET$/,
    ],
    [row('/a', ['*']), row('/a', ['PROPFIND']), /^PROPFIND \/a .* repeats \* \/a .* for PROPFIND$/],
    [row('/a', ['GET']), row('/a', ['HEAD']), /^HEAD \/a .* repeats GET \/a .* for HEAD$/],
    [row('/a', ['HEAD']), row('/a', ['GET']), /^GET \/a .* repeats HEAD \/a .* for HEAD$/],
    [row('/a', ['GET', 'GET']), row('/b'), /^GET,GET \/a .* repeats GET,GET \/a .* for GET$/],
    [
      { ...row('/a', ['POST']), upstream: 'y-service' },
      row('/a', ['PUT', 'POST']),
      /^PUT,POST \/a \(x-service\) repeats POST \/a \(y-service\) for POST$/,
    ],
    [
      { ...row('/:a/:b'), upstream: 'y-service' },
      row('/:b/:a', ['PUT']),
      /^PUT \/:b\/:a \(x-service\) contradicts GET \/:a\/:b \(y-service\)/,
    ],
  ])('refuses two rows that cannot both be', (one, other, message) => {
    expect(() => tableOf(one, other)).toThrow(message);
    expect(() => tableOf(one, other)).toThrow(RouteTableConfigurationError);
  });

  it('lets two paths name a parameter differently where they go on differently', () => {
    const rooms = tableOf(row('/a/:id'), row('/a/:room/b'), row('/a/:user/c'));

    expect(rooms.find('/a/1')?.template).toBe('/a/:id');
    expect(rooms.find('/a/1/b')?.template).toBe('/a/:room/b');
    expect(rooms.find('/a/1/c')?.template).toBe('/a/:user/c');
  });
});

describe('a route table with wildcards and trailing slashes', () => {
  const table = tableOf(
    row('/{*rest}'),
    row('/a'),
    row('/a/'),
    row('/a/*rest'),
    row('/a/:id'),
    row('/a/b/c'),
    row('/a/:id/d'),
    row('/a/b/*rest'),
    row('/s/{*rest}'),
    row('/s/'),
    row('/x/*rest'),
    row('/caf%c3%a9'),
  );

  it.each([
    ['/', '/{*rest}'],
    ['/b', '/{*rest}'],
    ['/b/', '/{*rest}'],
    ['/a', '/a'],
    ['/a/', '/a/'],
    ['/a/1', '/a/:id'],
    ['/a/1/', '/a/*rest'],
    ['/a/1/2', '/a/*rest'],
    ['/a/b', '/a/:id'],
    ['/a/b/', '/a/*rest'],
    ['/a/b/c', '/a/b/c'],
    ['/a/b/d', '/a/b/*rest'],
    ['/a/c/d', '/a/:id/d'],
    ['/a/b/c/d', '/a/b/*rest'],
    ['/a//b', '/a/*rest'],
    ['/a/b//', '/a/b/*rest'],
    ['/s', '/{*rest}'],
    ['/s/', '/s/'],
    ['/s/1/2', '/s/{*rest}'],
    ['/x', '/{*rest}'],
    ['/x/', '/{*rest}'],
    ['/x/y/z', '/x/*rest'],
  ])('finds %s at %s: a literal before a parameter before a wildcard', (path, template) => {
    expect(table.find(path)?.template).toBe(template);
  });

  it.each([
    ['/%61', '/a'],
    ['/%61/%62/%63', '/a/b/c'],
    ['/a%2Fb', '/{*rest}'],
    ['/a/b%2Fc', '/a/:id'],
    ['/a/b%2fc', '/a/:id'],
    ['/%41', '/{*rest}'],
    ['/a/%2F', '/a/:id'],
    ['/%2561', '/{*rest}'],
    ['/a%5Cb', '/{*rest}'],
    ['/caf%C3%A9', '/caf%c3%a9'],
    ['/caf%c3%a9', '/caf%c3%a9'],
    ['/%63af%C3%a9', '/caf%c3%a9'],
    ['/%', '/{*rest}'],
    ['/%6', '/{*rest}'],
    ['/%zz', '/{*rest}'],
  ])('finds %s at %s: encoded unreserved characters are decoded, and nothing else', (path, template) => {
    expect(table.find(path)?.template).toBe(template);
  });

  it('finds no route for a rest of no characters', () => {
    expect(tableOf(row('/x/*rest')).find('/x/')).toBeUndefined();
    expect(tableOf(row('/x/*rest')).find('/x')).toBeUndefined();
    expect(tableOf(row('/x/{*rest}')).find('/x')).toBeUndefined();
    expect(tableOf(row('/x/{*rest}')).find('/x/')?.template).toBe('/x/{*rest}');
  });

  it.each([
    [row('/a/*b'), row('/a/*b'), /GET \/a\/\*b .* repeats GET/],
    [row('/a/*b'), row('/a/*c', ['POST']), /contradicts .* one path written in two ways/],
    [row('/a/*b'), row('/a/{*b}', ['POST']), /contradicts .* one path written in two ways/],
    [row('/a/'), row('/a/', ['HEAD']), /HEAD \/a\/ .* repeats GET \/a\/ .* for HEAD/],
    [row('/%c3%a9'), row('/%C3%A9', ['POST']), /contradicts .* one path written in two ways/],
  ])('refuses two rows that cannot both be', (one, other, message) => {
    expect(() => tableOf(one, other)).toThrow(message);
  });

  const shadows = [row('/a/:x'), row('/a/:x/'), row('/a/:x/*rest')];

  it('refuses a wildcard whose every path has a more specific route', () => {
    const message =
      /^POST \/a\/\*rest \(x-service\) can never match: each of its paths has a more specific route$/;

    expect(() => tableOf(row('/a/*rest', ['POST']), ...shadows).checkReachable()).toThrow(message);
    expect(() => tableOf(...shadows, row('/a/{*rest}'), row('/a/')).checkReachable()).toThrow(
      RouteTableConfigurationError,
    );
    expect(() => tableOf(row('/:x'), row('/:x/{*rest}'), row('/*rest')).checkReachable()).toThrow(
      RouteTableConfigurationError,
    );
  });

  it.each([
    [[row('/a/*rest'), ...shadows.slice(1)]],
    [[row('/a/*rest'), ...shadows.slice(0, 1), ...shadows.slice(2)]],
    [[row('/a/*rest'), ...shadows.slice(0, 2)]],
    [[row('/a/{*rest}'), ...shadows]],
    [[row('/a/*rest', ['GET'], { allowedInPath: ['emptySegment'] }), ...shadows]],
  ])('takes a wildcard that has a path of its own', (rows) => {
    expect(() => tableOf(...rows).checkReachable()).not.toThrow();
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
    ['/:id/:id', '/a/x/b', '/x/x'],
    ['/c/', '/a/x/b?q', '/c/?q'],
    ['/', '/a/x/b', '/'],
    ['/c', '/a/x/b?next=/a/y/b', '/c?next=/a/y/b'],
  ])('rewritten to %s, makes %s %s', (rewrite, url, target) => {
    const { toUpstreamTarget } = compilePath(
      row('/a/:id/b', ['GET'], rewrite === undefined ? {} : { rewrite }),
    );

    expect(toUpstreamTarget(url)).toBe(target);
  });

  it.each([
    ['/s/*path', '/a/1/b', '/s/b'],
    ['/s/*path', '/a/1/b/%63//c%2F/;d/?q=/e', '/s/b/%63//c%2F/;d/?q=/e'],
    ['/:id/*path', '/a/1/b/c', '/1/b/c'],
    ['/*path', '/a/1/b/', '/b/'],
    ['/s', '/a/1/b/c', '/s'],
  ])('rewritten to %s with the rest of the path, makes %s %s', (rewrite, url, target) => {
    const { toUpstreamTarget } = compilePath(row('/a/:id/*path', ['GET'], { rewrite }));

    expect(toUpstreamTarget(url)).toBe(target);
  });

  it('rewrites a rest of no characters', () => {
    const { toUpstreamTarget } = compilePath(row('/a/{*path}', ['GET'], { rewrite: '/s/*path' }));

    expect(toUpstreamTarget('/a/?q')).toBe('/s/?q');
    expect(toUpstreamTarget('/a/b?q')).toBe('/s/b?q');
  });

  it.each([
    ['/a', '/a/1/b?q', '/1/b?q'],
    ['/a', '/%61/1//%2f/?q=/x', '/1//%2f/?q=/x'],
    ['/a/:id', '/a/1/b', '/b'],
    ['/a/:id', '/a/1/', '/'],
    ['/a/:id', '/a/1/?q', '/?q'],
  ])('stripped of %s, makes %s %s', (strip, url, target) => {
    const { toUpstreamTarget } = compilePath(row('/a/:id/{*path}', ['GET'], { strip }));

    expect(toUpstreamTarget(url)).toBe(target);
  });

  it('strips a whole path to a slash', () => {
    const { toUpstreamTarget } = compilePath(row('/a/:id', ['GET'], { strip: '/a/:id' }));

    expect(toUpstreamTarget('/a/1')).toBe('/');
    expect(toUpstreamTarget('/a/1?q=/a/b')).toBe('/?q=/a/b');
  });

  it('knows where the wildcard is', () => {
    const { parameters, wildcard } = compilePath(row('/a/:id/{*path}'));

    expect([[...parameters], wildcard]).toEqual([
      [
        ['id', 1],
        ['path', 2],
      ],
      'path',
    ]);
    expect(compilePath(row('/a/:id')).wildcard).toBeUndefined();
  });

  it('moves each parameter to where the rewrite has it', () => {
    const { toUpstreamTarget } = compilePath(row('/:a/b/:c', ['POST'], { rewrite: '/:c/:a' }));

    expect(toUpstreamTarget('/1/b/2?q')).toBe('/2/1?q');
  });

  it.each([
    row('/'),
    row('/a', ['POST']),
    row('/a', ['GET'], { websocket: {} }),
    row('/a', ['GET', 'POST'], { websocket: {} }),
    row('/a', ['*'], { websocket: {} }),
    row('/a', ['TRACE', 'PROPFIND']),
    row('/:_a1/:A'),
  ])('takes $route.path for $route.methods', (readable) => {
    expect(compilePath(readable).toUpstreamTarget('/a/b')).toBe('/a/b');
  });

  it.each([
    [row('/a', []), 'names no method'],
    [row('a'), 'a path that no request can have'],
    [row('/a//b'), 'a path that no request can have'],
    [row('/a/../b'), 'a path that no request can have'],
    [row('/a/:'), 'a nameless parameter'],
    [row('/a/:1'), 'a nameless parameter'],
    [row('/a/:id*'), 'has a * in :id*; a wildcard is the whole last segment'],
    [row('/a/*b/c'), 'has a * in *b; a wildcard is the whole last segment'],
    [row('/a/b*'), 'has a * in b*'],
    [row('/a/*b*'), 'a nameless parameter'],
    [row('/a/*'), 'a nameless parameter'],
    [row('/a/**'), 'a nameless parameter'],
    [row('/a/{*}'), 'a path that no request can have'],
    [row('/a/{*b}/c'), 'a path that no request can have'],
    [row('/a{/*b}'), 'a path that no request can have'],
    [row('/:a/*a'), 'names the parameter *a twice'],
    [row('/a%2Fb'), 'a path that no request can have'],
    [row('/a;b'), 'a path that no request can have'],
    [
      row('/a', ['GET'], { allowedInPath: ['slash' as 'encodedSlash'] }),
      'has allowedInPath slash, which is none of',
    ],
    [row('/a', ['GET'], { rewrite: '/b', strip: '/a' }), 'has both rewrite and strip'],
    [row('/a/b', ['GET'], { strip: '/b' }), 'strips /b, which are not the first segments of its path'],
    [row('/ab', ['GET'], { strip: '/a' }), 'strips /a, which are not the first segments of its path'],
    [row('/a', ['GET'], { strip: '/a/b' }), 'strips /a/b, which are not the first segments of its path'],
    [row('/a/b', ['GET'], { strip: '/a/' }), 'strips /a/, which are not the first segments of its path'],
    [row('/a', ['GET'], { strip: '/' }), 'strips /, which are not the first segments of its path'],
    [row('/a', ['GET'], { strip: 'a' }), 'strips a, which are not the first segments of its path'],
    [row('/a', ['GET'], { strip: '' }), 'strips , which are not the first segments of its path'],
    [row('/:x/a', ['GET'], { strip: '/:y' }), 'strips /:y, which are not the first segments of its path'],
    [row('/a/*b', ['GET'], { strip: '/a/*b' }), 'strips /a/*b, which are not the first segments of its path'],
    [row('/a/*b', ['GET'], { rewrite: '/*b/c' }), 'whose wildcard is not the last segment'],
    [row('/a/*b', ['GET'], { rewrite: '/*c' }), 'rewrites with *c, which its path does not have'],
    [row('/a/*b', ['GET'], { rewrite: '/:b' }), 'rewrites with :b, which its path does not have'],
    [row('/a/:b', ['GET'], { rewrite: '/*b' }), 'rewrites with *b, which its path does not have'],
    [row('/a/:id.json'), 'a nameless parameter'],
    [row('/a/::id'), 'a nameless parameter'],
    [row(''), 'a path that no request can have'],
    [row('/a/:id?'), 'a path that no request can have'],
    [row('/a/{id}'), 'a path that no request can have'],
    [row('/a/%61'), 'a path that no request can have'],
    [row('/a?b'), 'a path that no request can have'],
    [row('/a', ['POST'], { websocket: {} }), 'is a WebSocket, whose handshake is a GET'],
    [row('/a', ['CONNECT' as HttpMethod]), 'names CONNECT, which the gateway never forwards'],
    [row('/a', ['GET', 'BREW' as HttpMethod]), 'names BREW, which is no method of HTTP'],
    [row('/a', ['get' as HttpMethod]), 'names get, which is no method of HTTP'],
    [row('/a', ['PLAY' as HttpMethod]), 'names PLAY, which is no method of HTTP'],
    [row('/a', ['*', 'CONNECT' as HttpMethod]), 'names CONNECT, which the gateway never forwards'],
    [row('/:a/:a'), 'names the parameter :a twice'],
    [row('/a/..'), 'a path that no request can have'],
    [row('/a', ['GET'], { rewrite: 'b' }), 'rewrites to a path that no request can have'],
    [row('/a', ['GET'], { rewrite: '/b?c' }), 'rewrites to a path that no request can have'],
    [row('/a', ['GET'], { rewrite: 'http://b/c' }), 'rewrites to a path that no request can have'],
    [row('/:id', ['GET'], { rewrite: '/:ID' }), 'rewrites with :ID, which its path does not have'],
    [row('/a', ['GET'], { rewrite: '/:id' }), 'rewrites with :id, which its path does not have'],
  ])('refuses a row that makes no sense', (faulty, message) => {
    expect(() => compilePath(faulty)).toThrow(message);
    expect(() => compilePath(faulty)).toThrow(RouteTableConfigurationError);
  });
});

describe('the routes for who decodes reserved characters', () => {
  const open = { auth: 'none' } as const;

  it('are not looked up if no literal has any', () => {
    expect(tableOf(row('/a/:id'), row('/{*rest}')).findDecoded('/a/%40me')).toBeUndefined();
  });

  it.each([
    ['/a/%40me', '/a/@me'],
    ['/a/@me', '/a/@me'],
    ['/a/me%40', '/a/:id'],
    ['/a/me', undefined],
    ['/%3aid', '/%3Aid'],
    ['/b', undefined],
  ])('of %s are those of %s', (path, template) => {
    const table = tableOf(row('/a/:id', ['GET'], open), row('/a/@me'), row('/%3Aid'));
    expect(table.findDecoded(path)?.template).toBe(template);
  });

  it('are those that demand a token, if two become one', () => {
    for (const paths of [
      ['/@me', '/%40me'],
      ['/%40me', '/@me'],
    ] as const) {
      const table = tableOf(row(paths[0]), row(paths[1], ['GET'], open), row('/@me', ['PUT'], open));
      expect(table.findDecoded('/%40me')?.byMethod.get('GET')?.options.path).toBe(paths[0]);
      expect(table.findDecoded('/%40me')?.byMethod.get('PUT')?.options.auth).toBe('none');
    }
  });
});
