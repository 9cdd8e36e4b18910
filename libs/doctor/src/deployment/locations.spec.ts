import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text as readText } from 'node:stream/consumers';
import { parseNginx } from '../files/nginx.parser.js';
import { locationFor } from './locations.js';
import { NginxBlock } from './nginx-block.js';

/** The location that handles a path, by its `args`; empty if none does. */
const TABLE: readonly (readonly [path: string, location: string, locations: string])[] = [
  ['/a', '= /a', 'location = /a {} location /a {} location ~ a {}'],
  ['/a/b', '/a', 'location = /a {} location /a {}'],
  ['/a/b', '/a/', 'location / {} location /a/ {}'],
  ['/a/b', '~ b', 'location ^~ / {} location /a/ {} location ~ b {}'],
  ['/a/b', '^~ /a/', 'location / {} location ^~ /a/ {} location ~ b {}'],
  ['/a/b', '~ ^/a', 'location ~ ^/a {} location ~ b$ {}'],
  ['/A/B', '~* b', 'location ~ b {} location ~* b {}'],
  ['/A/B', '~ (?i)b', 'location ~ (?i)b {} location ~* b {}'],
  ['/A/B', '~* b', 'location ~ a(?i)b {} location ~* b {}'],
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

const isInstalled = spawnSync('nginx', ['-v']).error === undefined;
const itWithNginx = isInstalled || process.env['CI'] ? it : it.skip;

describe('locationFor', () => {
  it.each(TABLE)('takes %s to "location %s" of %s', (path, location, text) => {
    const [directive] = parseNginx(`server { ${text} }`, 'a.conf');
    const server = new NginxBlock(directive!, undefined);
    const found = locationFor(server, path);

    expect(found === server ? '' : found.directive.args.join(' ')).toBe(location);
  });

  itWithNginx('takes the one that nginx takes', async () => {
    await using nginx = await startNginx(TABLE.map(([, , text]) => text));
    const answers = await Promise.all(TABLE.map(([path], index) => nginx.locationOf(index, path)));

    expect(answers).toEqual(TABLE.map(([, location]) => location));
  });
});

/** A server for each text. Each location responds with its index. */
async function startNginx(texts: readonly string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'doctor-'));
  const file = join(folder, 'nginx.conf');
  const namesIn = (text: string): string[] =>
    [...text.matchAll(/location (.+?) \{/g)].map(([, name]) => name!);
  const servers = texts.map((text, index) => {
    let place = 0;
    const locations = text.replaceAll(
      /(location .+?) \{/g,
      (_, head: string) => `${head} { return 200 ${place++};`,
    );
    return `server { listen unix:${folder}/${index}; ${locations} }`;
  });
  const http = `access_log off; root ${folder}/none; ${servers.join('\n')}`;
  await writeFile(file, `pid ${folder}/pid; error_log stderr notice; events {}\nhttp { ${http} }\n`);
  const child = spawn('nginx', ['-p', folder, '-c', file, '-g', 'daemon off;'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  // nginx listens before its worker has started.
  for await (const line of createInterface({ input: child.stderr })) {
    if (line.includes('start worker process ')) break;
  }
  return {
    async locationOf(index: number, path: string): Promise<string> {
      const request = get({ socketPath: join(folder, String(index)), path, agent: false });
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      const body = await readText(response);
      return response.statusCode === 200 ? namesIn(texts[index]!)[Number(body)]! : '';
    },
    async [Symbol.asyncDispose](): Promise<void> {
      child.kill();
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}
