import { parseNginx } from '../files/nginx.parser.js';
import { locationFor } from './locations.js';
import { NginxBlock } from './nginx-block.js';

/** What handles a path, as nginx itself was seen to choose. */
const TABLE: readonly (readonly [path: string, location: string, locations: string])[] = [
  ['/a', '= /a', 'location = /a {} location /a {} location ~ a {}'],
  ['/a/b', '/a', 'location = /a {} location /a {}'],
  ['/a/b', '/a/', 'location / {} location /a/ {}'],
  ['/a/b', '~ b', 'location ^~ / {} location /a/ {} location ~ b {}'],
  ['/a/b', '^~ /a/', 'location / {} location ^~ /a/ {} location ~ b {}'],
  ['/a/b', '~ ^/a', 'location ~ ^/a {} location ~ b$ {}'],
  ['/A/B', '~* b', 'location ~ b {} location ~* b {}'],
  ['/A/B', '~ (?i)b', 'location ~ (?i)b {} location ~* b {}'],
  ['/A/B', '~* b', 'location ~ a(?i)b {} location ~*b {}'.replace('~*b', '~* b')],
  ['/a/b', '=/a/b', 'location =/a/b {} location / {}'],
  ['/a/b', '/a/', 'location /a/ { location /a/c {} }'],
  ['/a/b', '/a/b', 'location /a/ { location /a/b {} }'],
  ['/a/b', '~ b', 'location /a/ { location /a/b {} } location ~ b {}'],
  ['/a/b', '= /a/b', 'location /a/ { location = /a/b {} } location ~ b {}'],
  ['/a/b', '~ ^/a', 'location /a/ { location ~ ^/a {} } location ~ b {}'],
  ['/a/b', '/a/b', 'location ^~ /a/ { location /a/b {} } location ~ b {}'],
  ['/a/b', '~ b$', 'location ~ ^/a { location ~ b$ {} location ~ c$ {} } location ~ b {}'],
  ['/a/b', '~ ^/a', 'location ~ ^/a { location ~ c$ {} } location ~ b {}'],
  ['/a/b', '', 'location /c {} location @d {}'],
];

describe('locationFor', () => {
  it.each(TABLE)('takes %s to "location %s" of %s', (path, location, text) => {
    const [directive] = parseNginx(`server { ${text} }`, 'a.conf');
    const server = new NginxBlock(directive!, undefined);
    const found = locationFor(server, path);

    expect(found === server ? '' : found.directive.args.join(' ')).toBe(location);
  });
});
