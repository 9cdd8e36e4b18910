import { glob, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

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

/** Every rule of who may know whom, each a question to one import of one product file. */
const RULES: readonly { readonly name: string; breaks(path: string, target: string): boolean }[] = [
  {
    name: 'libraries do not know each other',
    breaks: (path, target) =>
      ['proxy', 'auth'].some(
        (own) =>
          path.startsWith(`libs/${own}/`) &&
          /^(@app\/|libs\/)/.test(target) &&
          !target.startsWith(`libs/${own}/`),
      ),
  },
  {
    name: 'libraries do not know the applications',
    breaks: (path, target) => path.startsWith('libs/') && target.startsWith('apps/'),
  },
  {
    name: 'applications know a library by its index alone',
    breaks: (path, target) => path.startsWith('apps/') && target.startsWith('libs/'),
  },
  {
    name: 'applications do not know each other, but the doctor the gateway, and the reference services no library',
    breaks: (path, target) =>
      (path.startsWith('apps/gateway/') && /^apps\/(reference|doctor)\//.test(target)) ||
      (path.startsWith('apps/reference/') && /^(apps\/(gateway|doctor)\/|@app\/)/.test(target)) ||
      (path.startsWith('apps/doctor/') && target.startsWith('apps/reference/')),
  },
  {
    name: 'the HTTP client is known in one folder',
    breaks: (path, target) => target === 'undici' && !path.startsWith('libs/proxy/src/instances/'),
  },
  {
    name: 'a part of the gateway does not know the whole',
    breaks: (path, target) =>
      path.startsWith('apps/gateway/') &&
      /^apps\/gateway\/src\/(app\.module|create-gateway|main)\.js$/.test(target) &&
      !/^apps\/gateway\/src\/(create-gateway|main)\.ts$/.test(path),
  },
  {
    name: 'the tests know the product by its entry points alone',
    breaks: (path, target) =>
      path.startsWith('test/') &&
      /^(apps|libs)\//.test(target) &&
      !/^apps\/(gateway|reference)\/src\/(create-[a-z]+|config\/[a-z.-]+|health\/readiness-check)\.js$/.test(
        target,
      ),
  },
];

/** Words that only some files may say. */
const WORDS: readonly { readonly name: string; readonly word: RegExp; allowed(path: string): boolean }[] = [
  {
    name: 'the environment is read in config/ only',
    word: /process\.env\b/,
    allowed: (path) => path.startsWith('apps/gateway/src/config/') || !/^(libs|apps\/gateway)\//.test(path),
  },
  {
    name: 'libraries do not know the process',
    word: /\bprocess\.|from '(?:node:)?process'/,
    allowed: (path) => !path.startsWith('libs/'),
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

async function readSources(): Promise<Source[]> {
  const sources: Source[] = [];
  for await (const path of glob('{apps,libs,test}/**/*.ts', { exclude: ['**/node_modules'] })) {
    // Unit specs know what they test; this one quotes what is forbidden.
    if (path.endsWith('.spec.ts') || path === 'test/module-boundaries.e2e-spec.ts') continue;
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

  it.each([
    ['libs/auth/src/a.ts', "import { x } from '@app/proxy';", 'libraries do not know each other'],
    [
      'libs/auth/src/a.ts',
      "import { x } from '../../proxy/src/index.js';",
      'libraries do not know each other',
    ],
    [
      'libs/proxy/src/a.ts',
      "import { x } from '../../../apps/gateway/src/main.js';",
      'not know the applications',
    ],
    ['apps/gateway/src/gates/a.ts', "import '../../../../libs/auth/src/principal.js';", 'by its index alone'],
    ['apps/gateway/src/a.ts', "import { x } from '../../reference/src/x.js';", 'do not know each other'],
    ['apps/gateway/src/a.ts', "import { x } from '../../doctor/src/x.js';", 'do not know each other'],
    ['apps/doctor/src/a.ts', "import { x } from '../../reference/src/x.js';", 'do not know each other'],
    ['apps/reference/src/a.ts', "import { x } from '@app/auth';", 'the reference services no library'],
    ['libs/proxy/src/proxy.module.ts', "import { Pool } from 'undici';", 'in one folder'],
    ['libs/proxy/src/proxy.module.ts', "const { Pool } = await import('undici');", 'in one folder'],
    [
      'apps/gateway/src/gates/a.ts',
      "import { AppModule } from '../app.module.js';",
      'does not know the whole',
    ],
    ['test/a.e2e-spec.ts', "import { x } from '../libs/proxy/src/http/exchange.js';", 'entry points alone'],
    ['apps/gateway/src/gates/a.ts', 'const port = process.env.PORT;', 'in config/ only'],
    ['libs/auth/src/a.ts', 'process.exit(1);', 'libraries do not know the process'],
    ['libs/auth/src/a.ts', "import { env } from 'node:process';", 'libraries do not know the process'],
    ['apps/gateway/src/a.ts', "console.log('x');", 'said to the logger'],
  ])('is broken by %s that says %s', (path, text, rule) => {
    expect(offences([{ path, text: `// first\n${text}` }])).toContainEqual(expect.stringContaining(rule));
    expect(offences([{ path, text }])[0]).toContain(`${path}:1`);
  });
});
