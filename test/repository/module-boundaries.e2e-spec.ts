import { glob, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FLOORS } from '../support/floors.js';

/** A source file as the rules see it. */
interface Source {
  readonly path: string;
  readonly text: string;
}

/** What an import names: a path from the root of the repository for relative ones, else the package. */
interface Import {
  readonly line: number;
  readonly target: string;
}

/** Whether a file is a library's. The tests of the doctor read the files of the gateway. */
function isLibrary(path: string): boolean {
  return path.startsWith('libs/') && !path.startsWith('libs/doctor/test/');
}

const FLOOR_OF = new Map(FLOORS.flatMap((folders, floor) => folders.map((folder) => [folder, floor])));

/** Whether an import of a file in one folder leads up, or to another folder of the same floor. */
function leadsUp(path: string, target: string): boolean {
  const [from, to] = [dirname(path), folderOf(target)];
  const [own, other] = [FLOOR_OF.get(from), FLOOR_OF.get(to)];
  return from !== to && own !== undefined && other !== undefined && other >= own;
}

function folderOf(target: string): string {
  const [, library] = /^@app\/([a-z]+)/.exec(target) ?? [];
  return library === undefined ? dirname(target) : `libs/${library}/src`;
}

/** Every rule of who may know whom, each a question to one import of one product file. */
const RULES: readonly { readonly name: string; breaks(path: string, target: string): boolean }[] = [
  {
    name: 'a folder imports only from lower floors',
    breaks: leadsUp,
  },
  {
    name: 'the library of the proxy knows no other, that of tokens the proxy alone',
    breaks: (path, target) =>
      (path.startsWith('libs/proxy/') && target.startsWith('@app/')) ||
      (path.startsWith('libs/auth/') &&
        target.startsWith('@app/') &&
        !/^@app\/proxy(?:\/internal)?$/.test(target)),
  },
  {
    name: 'libraries do not know the applications',
    breaks: (path, target) => isLibrary(path) && target.startsWith('apps/'),
  },
  {
    name: 'a library is known by its two doors alone',
    breaks: (path, target) => target.startsWith('libs/') && !path.startsWith(target.split('/src/')[0]!),
  },
  {
    name: 'the gateway knows the public doors alone, as a team does',
    breaks: (path, target) => path.startsWith('apps/gateway/') && target.endsWith('/internal'),
  },
  {
    name: 'applications do not know each other, and the reference services no library',
    breaks: (path, target) =>
      path.startsWith('apps/') &&
      ((target.startsWith('apps/') && target.split('/')[1] !== path.split('/')[1]) ||
        (path.startsWith('apps/reference/') && target.startsWith('@app/'))),
  },
  {
    name: 'the tests know the product by its entry points alone',
    breaks: (path, target) =>
      path.startsWith('test/') &&
      /^(apps|libs)\//.test(target) &&
      !/^apps\/(?:gateway\/src\/app\.module|reference\/src\/create-[a-z]+)\.js$/.test(target),
  },
];

/** Words that only some files may say. */
const WORDS: readonly { readonly name: string; readonly word: RegExp; allowed(path: string): boolean }[] = [
  {
    name: 'the environment is read in settings/ only',
    word: /process\.env\b/,
    allowed: (path) => path.startsWith('libs/gateway/src/settings/') || !/^(libs|apps\/gateway)\//.test(path),
  },
  {
    name: 'the libraries of the proxy and of tokens do not know the process',
    word: /\bprocess\.|from '(?:node:)?process'/,
    allowed: (path) => !/^libs\/(proxy|auth)\//.test(path),
  },
  {
    name: 'configuration and tokens alone are there for every module unasked',
    word: /@Global\(|\bglobal: true/,
    allowed: (path) =>
      !/^(libs|apps\/gateway)\//.test(path) ||
      /^libs\/(?:auth\/src\/auth\.module|gateway\/src\/(?:boot\.module|create-gateway))\.ts$/.test(path),
  },
  {
    name: 'time comes from the global timers and clocks, at the moment of use',
    word: /['"](?:node:)?timers|AbortSignal\.timeout|\bhrtime\b|\b(?:performance|Date)\.now\b(?!\(|`)|\}\s*=\s*performance\b|[=:(,]\s*(?:setTimeout|setInterval|setImmediate)\s*[;,)]/,
    allowed: (path) =>
      !/^(libs|apps\/gateway)\//.test(path) ||
      /^libs\/testing\/src\/(?:changes|test-clock|clock-timer)\.ts$/.test(path),
  },
  {
    name: 'randomness is drawn in one file',
    word: /\b(?:randomUUID|randomBytes|randomInt|getRandomValues|Math\.random)\b/,
    allowed: (path) => !/^(libs|apps\/gateway)\//.test(path) || path === 'libs/proxy/src/http/random.ts',
  },
  {
    name: 'connections are opened in one file',
    word: /\b(?:createConnection|connectTcp|connectTls)\(|import \{[^}]*\bconnect\b[^}]*\} from '(?:node:)?(?:net|tls)'|\b(?:net|tls)\.connect\(/,
    allowed: (path) => !/^(libs|apps\/gateway)\//.test(path) || path === 'libs/proxy/src/transport/dial.ts',
  },
  {
    name: 'private parts of Node and of ws are touched in node-internals.ts and ws-internals.ts only',
    // `_write` and `_writev` of a stream are documented, to be implemented.
    word: /\._(?!writev?\b)[a-z]|\b(?:_httpMessage|_receiver|_sender|_(?:readable|writable)State|httpAllowHalfOpen|getCurrentBuffer)\b/i,
    allowed: (path) =>
      /^libs\/(gateway|proxy)\/src\/http\/(node|ws)-internals\.ts$/.test(path) ||
      !/^(libs|apps\/gateway)\//.test(path),
  },
  {
    name: 'no library names SecureConnect or one of its services',
    word: /\bSecureConnect|\bsecureconnect(?!\/gateway)|\b(?:auth|chat|video|storage|demo)-service\b/,
    allowed: (path) => !isLibrary(path),
  },
  {
    name: 'the library for tests knows no test runner',
    word: /from '(?:node:test|vitest|@?jest\b)|\b(?:jest|vi)\.|\b(?:expect|describe|it|beforeEach|afterEach)\(/,
    allowed: (path) => !path.startsWith('libs/testing/'),
  },
  {
    name: 'what happens is said to the logger',
    word: /\bconsole\./,
    allowed: (path) => !/^(libs|apps\/gateway)\//.test(path),
  },
];

function importsOf({ path, text }: Source): Import[] {
  return text.split('\n').flatMap((line, index) => {
    const found = /(?:^|\s)(?:from|import)\s*\(?\s*'([^']+)'/.exec(line)?.[1];
    if (found === undefined) return [];
    const target = found.startsWith('.') ? join(dirname(path), found) : found;
    return [{ line: index + 1, target }];
  });
}

function offences(sources: readonly Source[]): string[] {
  return sources.flatMap((source) => [
    ...importsOf(source).flatMap(({ line, target }) =>
      RULES.filter((rule) => rule.breaks(source.path, target)).map(
        ({ name }) => `${source.path}:${line} imports ${target}: ${name}`,
      ),
    ),
    ...source.text
      .split('\n')
      .flatMap((text, index) =>
        isComment(text)
          ? []
          : WORDS.filter(({ word, allowed }) => word.test(text) && !allowed(source.path)).map(
              ({ name }) => `${source.path}:${index + 1}: ${name}`,
            ),
      ),
  ]);
}

const isComment = (text: string): boolean => /^\s*(?:\/?\*|\/\/)/.test(text);

/** The files of one circle of imports, if there is any. */
function findCircle(sources: readonly Source[]): readonly string[] {
  const imports = new Map(
    sources.map((source) => [source.path, importsOf(source).map(({ target }) => fileOf(target))]),
  );
  const done = new Set<string>();
  const visit = (path: string, way: readonly string[]): readonly string[] => {
    if (way.includes(path)) return [...way.slice(way.indexOf(path)), path];
    if (done.has(path)) return [];
    for (const next of imports.get(path) ?? []) {
      const circle = visit(next, [...way, path]);
      if (circle.length > 0) return circle;
    }
    done.add(path);
    return [];
  };
  for (const path of imports.keys()) {
    const circle = visit(path, []);
    if (circle.length > 0) return circle;
  }
  return [];
}

const fileOf = (target: string): string =>
  target.startsWith('@app/') ? `${folderOf(target)}/index.ts` : target.replace(/\.js$/, '.ts');

async function readSources(): Promise<Source[]> {
  const sources: Source[] = [];
  for await (const path of glob('{apps,libs,test}/**/*.ts', { exclude: ['**/node_modules'] })) {
    // Unit specs know what they test; this one quotes what is forbidden.
    if (path.endsWith('.spec.ts') || path === 'test/repository/module-boundaries.e2e-spec.ts') continue;
    sources.push({ path, text: await readFile(path, 'utf8') });
  }
  return sources;
}

describe('who may know whom', () => {
  it('holds in every file', async () => {
    const sources = await readSources();

    expect(sources.length).toBeGreaterThan(80);
    expect(offences(sources)).toEqual([]);
  });

  it('makes no circle of files', async () => {
    expect(findCircle(await readSources())).toEqual([]);
  });

  it('sees a circle through the index of a library', () => {
    const sources = [
      { path: 'libs/proxy/src/index.ts', text: "export { x } from './x.js';" },
      { path: 'libs/proxy/src/x.ts', text: "import type { y } from '@app/proxy';" },
    ];

    expect(findCircle(sources)).toEqual([
      'libs/proxy/src/index.ts',
      'libs/proxy/src/x.ts',
      'libs/proxy/src/index.ts',
    ]);
  });

  it('names every folder of the libraries and of the gateway', async () => {
    const folders = new Set((await readSources()).map(({ path }) => dirname(path)));
    const known = [...folders].filter(
      (folder) => isLibrary(`${folder}/`) || folder.startsWith('apps/gateway/'),
    );

    expect(known.toSorted()).toEqual([...FLOOR_OF.keys()].toSorted());
  });

  it.each([
    ['libs/proxy/src/a.ts', "import { x } from '@app/auth/internal';", 'knows no other'],
    ['libs/auth/src/a.ts', "import { x } from '@app/gateway/internal';", 'that of tokens the proxy alone'],
    [
      'libs/proxy/src/a.ts',
      "import { x } from '../../../apps/gateway/src/main.js';",
      'not know the applications',
    ],
    [
      'libs/gateway/src/gates/a.ts',
      "import '../../../../libs/auth/src/principal.js';",
      'by its two doors alone',
    ],
    ['apps/gateway/src/a.ts', "import { x } from '@app/proxy/internal';", 'the public doors alone'],
    ['apps/gateway/src/a.ts', "import { x } from '../../reference/src/x.js';", 'do not know each other'],
    [
      'libs/doctor/src/a.ts',
      "import { x } from '../../../apps/gateway/src/app.module.js';",
      'not know the app',
    ],
    ['libs/doctor/src/files/a.ts', "import { x } from '../deployment/stack.js';", 'only from lower floors'],
    ['libs/proxy/src/routing/a.ts', "import { x } from '../http/exchange.js';", 'only from lower floors'],
    ['libs/gateway/src/cors/a.ts', "import { x } from '../health/x.js';", 'only from lower floors'],
    ['libs/gateway/src/http/a.ts', "import { x } from '@app/gateway/internal';", 'only from lower floors'],
    [
      'apps/reference/src/a.ts',
      "import { x } from '@app/auth/internal';",
      'the reference services no library',
    ],
    ['libs/gateway/src/gates/a.ts', "import { x } from '../gateway.module.js';", 'only from lower floors'],
    ['test/a.e2e-spec.ts', "import { x } from '../libs/proxy/src/http/exchange.js';", 'entry points alone'],
    ['libs/gateway/src/gates/a.ts', 'const port = process.env.PORT;', 'in settings/ only'],
    ['libs/auth/src/a.ts', 'process.exit(1);', 'do not know the process'],
    ['libs/auth/src/a.ts', "import { env } from 'node:process';", 'do not know the process'],
    ['libs/gateway/src/http/a.ts', "const issuer = 'secureconnect-auth';", 'names SecureConnect'],
    ['libs/proxy/src/http/a.ts', "const name = 'chat-service';", 'names SecureConnect'],
    ['apps/gateway/src/a.ts', "console.log('x');", 'said to the logger'],
    ['libs/auth/src/a.ts', "import { setTimeout } from 'node:timers/promises';", 'at the moment of use'],
    ['libs/auth/src/a.ts', 'const { now } = performance;', 'at the moment of use'],
    ['libs/auth/src/a.ts', 'const now = Date.now;', 'at the moment of use'],
    ['libs/auth/src/a.ts', 'const later = setTimeout;', 'at the moment of use'],
    ['libs/auth/src/a.ts', 'const id = randomUUID();', 'drawn in one file'],
    ['libs/testing/src/a.ts', "import { mock } from 'node:test';", 'knows no test runner'],
    ['libs/testing/src/a.ts', 'expect(1).toBe(1);', 'knows no test runner'],
    ['libs/proxy/src/balancing/a.ts', "import { connect } from 'node:net';", 'opened in one file'],
    ['apps/gateway/src/a.module.ts', '@Global()', 'there for every module unasked'],
    [
      'libs/gateway/src/http/a.ts',
      'const due = socket._httpMessage;',
      'in node-internals.ts and ws-internals.ts only',
    ],
    [
      'libs/proxy/src/transport/a.ts',
      'const { _readableState: state } = socket;',
      'in node-internals.ts and ws-internals.ts only',
    ],
    [
      'libs/gateway/src/websocket/relay/a.ts',
      'socket._receiver._buffers = [];',
      'in node-internals.ts and ws-internals.ts only',
    ],
    [
      'libs/gateway/src/websocket/relay/a.ts',
      "import { WebSocketUpgrade } from '../handshake/websocket-upgrade.js';",
      'only from lower floors',
    ],
  ])('is broken by %s that says %s', (path, text, rule) => {
    expect(offences([{ path, text: `// first\n${text}` }])).toContainEqual(expect.stringContaining(rule));
    expect(offences([{ path, text }])[0]).toContain(`${path}:1`);
  });
});
