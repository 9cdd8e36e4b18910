import { RouteTable } from './route-table.js';
import { RouteTableConfigurationError, type UpstreamRoute } from './upstream-route.js';

const TABLES = 3_000;
const PATHS = 40;

/** A generator of reproducible numbers below 1 (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = createRandom(20_261_130);
const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
const segmentsOf = (values: readonly string[], most: number): string[] =>
  Array.from({ length: Math.floor(random() * most) }, () => pick(values));

function randomPattern(): string {
  const end = pick(['', 'a', 'b', ':p', ':p', '*w', '*w', '{*w}']);
  return `/${[...segmentsOf(['a', 'a', 'b', ':p', ':p'], 4).map(named), end].join('/')}`;
}

/** Parameters of one path have different names. */
function named(segment: string, index: number): string {
  return segment === ':p' ? `:p${index}` : segment;
}

const PARTS = ['a', 'a', 'b', 'c', '', '%61', '%62', 'a%2Fb', 'a%2fb', '%2F', '%2561', 'A', ':p', '*w'];

function randomPath(): string {
  return `/${[pick(PARTS), ...segmentsOf(PARTS, 6)].join('/')}`;
}

/** Rank of a segment of a pattern: the lower is the more specific. */
function rank(segment: string): number {
  if (segment.startsWith(':')) return 1;
  return segment.includes('*') ? 2 : 0;
}

/** Whether a pattern matches a path, segment by segment. */
function matches(pattern: string, path: string): boolean {
  const own = pattern.split('/').slice(1);
  const sent = path
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('%61', 'a').replaceAll('%62', 'b'));
  const wildcard = own.findIndex((segment) => rank(segment) === 2);
  const fixed = wildcard === -1 ? own : own.slice(0, wildcard);
  if (wildcard === -1 && sent.length !== own.length) return false;
  if (!fixed.every((segment, index) => (rank(segment) === 1 ? sent[index] : sent[index] === segment)))
    return false;
  if (wildcard === -1) return true;
  return sent.length > wildcard && (own[wildcard]!.startsWith('{') || sent.slice(wildcard).join('/') !== '');
}

/** The more specific of two patterns that match one path: the first different rank from the left decides. */
function moreSpecific(one: string, other: string): string {
  const [ranks, others] = [one, other].map((pattern) => pattern.split('/').map(rank));
  const index = ranks!.findIndex((each, at) => each !== others![at]);
  return index === -1 || ranks![index]! < others![index]! ? one : other;
}

function slowFind(patterns: readonly string[], path: string): string | undefined {
  return patterns
    .filter((pattern) => matches(pattern, path))
    .reduce<string | undefined>(
      (best, pattern) => (best === undefined ? pattern : moreSpecific(best, pattern)),
      undefined,
    );
}

/** A table, and the patterns of its routes. */
class TableOfPatterns {
  readonly table = new RouteTable<UpstreamRoute>();
  readonly patterns: string[] = [];

  /** Adds a pattern, unless it contradicts one before. */
  add(path: string): void {
    try {
      this.table.add({ options: { path, methods: ['GET'] }, upstream: 'x-service' });
      this.patterns.push(path);
    } catch (error) {
      if (!(error instanceof RouteTableConfigurationError)) throw error;
    }
  }

  get isRefused(): boolean {
    try {
      this.table.checkReachable();
      return false;
    } catch (error) {
      if (error instanceof RouteTableConfigurationError) return true;
      throw error;
    }
  }
}

function randomTable(): TableOfPatterns {
  const table = new TableOfPatterns();
  for (let count = 1 + random() * 8; count > 0; count--) table.add(randomPattern());
  return table;
}

/** Every path of up to so many segments of `a`, `b`, a name that no pattern has, and an empty last one. */
function allPaths(most: number): string[] {
  let begins = [''];
  const paths: string[] = [];
  for (let length = 1; length <= most; length++) {
    paths.push(...begins.map((begin) => `${begin}/`));
    begins = begins.flatMap((begin) => ['a', 'b', 'c'].map((segment) => `${begin}/${segment}`));
    paths.push(...begins);
  }
  return paths;
}

describe('RouteTable, compared with a slow reference', () => {
  it('finds the same route for random paths in random tables', () => {
    const wrong: string[] = [];
    let found = 0;
    for (let count = 0; count < TABLES; count++) {
      const { table, patterns } = randomTable();
      for (let each = 0; each < PATHS; each++) {
        const path = randomPath();
        const expected = slowFind(patterns, path);
        if (expected !== undefined) found++;
        const template = table.find(path)?.template;
        if (template !== expected)
          wrong.push(`${path} in ${patterns.join(' ')} is ${template}, not ${expected}`);
      }
    }

    expect(wrong).toEqual([]);
    expect(found).toBeGreaterThan((TABLES * PATHS) / 10);
  });

  it('refuses exactly the tables with a pattern that no path finds', () => {
    const paths = allPaths(6);
    const shadows = ['/:p0', '/:p0/', '/:p0/:p1', '/:p0/:p1/', '/:p0/:p1/*w', '/*w'];
    const wrong: string[] = [];
    let refused = 0;
    for (let count = 0; count < 60; count++) {
      const table = randomTable();
      // Of some tables all, so that they leave a wildcard no path.
      for (const pattern of shadows.slice(count % 4)) table.add(pattern);
      const reached = new Set(paths.map((path) => slowFind(table.patterns, path)));
      const isFaulty = table.patterns.some((pattern) => !reached.has(pattern));
      if (isFaulty) refused++;
      if (table.isRefused !== isFaulty) wrong.push(table.patterns.join(' '));
    }

    expect(wrong).toEqual([]);
    expect(refused).toBeGreaterThan(5);
  });
});
