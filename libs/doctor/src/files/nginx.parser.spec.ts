import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseNginx, type Directive } from './nginx.parser.js';

const words = (text: string): (readonly string[])[] =>
  parseNginx(text, 'a.conf').map(({ name, args }: Directive) => [name, ...args]);

/** Parts of the `http` block that nginx accepts. */
const TAKEN: readonly string[] = [
  'server { listen 127.0.0.1:1; }',
  'server{listen 127.0.0.1:1;location /{return 204;}}',
  "map $uri $a { default ''; '' \"x\"; }",
  'map $uri $b { default "a;b{c}d#e"; }',
  "map $uri $c { default 'it\\'s'; }",
  'map $uri $d { default a#b; } # said behind it } ; {',
  'map $uri $e { default ${uri}x; }',
  'map $uri $f {\n  default\n    1\n  ;\n}',
  'map $uri $g { "~^/(?<n>[a-z]{1,3})$" $n; }',
  'map $uri $h { default "two\nlines"; }',
  'server { listen 127.0.0.1:1; location ~ ^/a}b$ { return 204; } }',
];

/** Parts that nginx refuses, with the reason. */
const REFUSED: readonly (readonly [text: string, fault: string])[] = [
  ['map $uri $i { default 1;', 'a.conf:1: the { of this line is never closed'],
  ['map $uri $j { default 1 }', 'a.conf:1: "default" has no ; at its end'],
  ['}', 'a.conf:1: a } without its {'],
  [';', 'a.conf:1: a ; without a directive'],
  ['{ }', 'a.conf:1: a { without a directive'],
  ['keepalive_timeout 1s', 'a.conf:1: "keepalive_timeout" has no ; at its end'],
  ['map $uri $k { default "x; }\n}', 'a.conf:1: a " without its end'],
  ["map $uri $l {\n  default 'a'b;\n}", 'a.conf:2: unexpected "b" behind a closing quote'],
];

const isInstalled = spawnSync('nginx', ['-v']).error === undefined;
const itWithNginx = isInstalled || process.env['CI'] ? it : it.skip;

describe('parseNginx', () => {
  it('resolves quotes and the escapes that nginx knows, and leaves those of regular expressions', () => {
    expect(words(String.raw`a "b c" 'd "e"' f\"g \. "\d\\" "x\ty" '';`)).toEqual([
      ['a', 'b c', 'd "e"', 'f"g', String.raw`\.`, '\\d\\', 'x\ty', ''],
    ]);
  });

  it('gives every directive its line, in blocks too, past comments and quoted lines', () => {
    const [, block] = parseNginx('# one\na "x\ny"; # b;\n\nc {\n  d\n    e;\n}\n', 'a.conf');

    expect(block).toMatchObject({ name: 'c', at: { file: 'a.conf', line: 5 } });
    expect(block!.block).toMatchObject([{ name: 'd', args: ['e'], at: { line: 6 } }]);
  });

  it.each(TAKEN)('reads %j', (text) => {
    expect(parseNginx(text, 'a.conf')).not.toEqual([]);
  });

  it.each(REFUSED)('refuses %j with its line', (text, fault) => {
    expect(() => parseNginx(text, 'a.conf')).toThrow(fault);
  });

  itWithNginx('takes what nginx takes, and nothing else', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'doctor-'));
    const file = join(folder, 'nginx.conf');
    const accepted: string[] = [];
    for (const text of [...TAKEN, ...REFUSED.map(([refused]) => refused)]) {
      // On lines of its own, so that nginx sees a surplus brace too.
      await writeFile(join(folder, 'part.conf'), `${text}\n`);
      await writeFile(
        file,
        `pid ${folder}/pid;\nevents {}\nhttp {\n  access_log off;\n  include part.conf;\n}\n`,
      );
      if (spawnSync('nginx', ['-t', '-q', '-p', folder, '-c', file]).status === 0) accepted.push(text);
    }
    await rm(folder, { recursive: true });

    expect(accepted).toEqual(TAKEN);
  });

  it('ends with a clear error however deep the braces', () => {
    expect(() => parseNginx('a {'.repeat(100_000), 'a.conf')).toThrow('a.conf:1: nests too deeply');
  });
});
