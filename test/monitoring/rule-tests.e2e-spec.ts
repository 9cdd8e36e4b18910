import { cp, glob, mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  describeWithPrometheus,
  PrometheusServer,
  run,
  TemporaryFolder,
  type Rule,
  type RuleGroup,
} from '../support/prometheus.js';

const TESTS = 'configs/prometheus/tests';

/** What could be wrong with a rule, each a way that its tests must notice; undefined where it cannot be. */
const FAULTS: Readonly<Record<string, (rule: Rule) => Rule | undefined>> = {
  'never holds': (rule) => ({ ...rule, query: `(${rule.query}) and on () (vector(0) > 1)` }),
  'does not wait': (rule) => (rule.duration ? { ...rule, duration: 0 } : undefined),
  // Not of a share: its sums are made in any order, and so its last digit is.
  'holds at its limit too': (rule) =>
    /:ratio_| \/ /.test(rule.query)
      ? undefined
      : withQuery(rule, rule.query.replaceAll(/ > (?=\d)/g, ' >= ')),
  'holds without its limit': (rule) =>
    withQuery(rule, rule.query.replaceAll(/ (>|==|<) [\d.e+]+(?= |$)/g, '')),
};

function withQuery(rule: Rule, query: string): Rule | undefined {
  return rule.type === 'alerting' && query !== rule.query ? { ...rule, query } : undefined;
}

/** A rule as a file of rules has it. */
function written({ type, name, query, duration = 0, labels = {}, annotations = {} }: Rule): object {
  return type === 'recording'
    ? { record: name, expr: query, labels }
    : { alert: name, expr: query, for: `${duration}s`, labels, annotations };
}

/** A rule and what is written in its place. */
interface Mutant {
  readonly rule: Rule;
  readonly other: Rule;
}

/**
 * Mutants that can be tried at once, since what fails names the alert: no two of one name. What is recorded is read by
 * other rules, so each is tried alone.
 */
function* batchesOf(mutants: readonly Mutant[]): Generator<readonly Mutant[]> {
  for (let rest = mutants; rest.length > 0;) {
    const names = rest.map(({ rule }) => rule.name);
    const isFirst = (_mutant: Mutant, index: number): boolean =>
      rest[0]!.rule.type === 'recording' ? index === 0 : names.indexOf(names[index]!) === index;
    yield rest.filter(isFirst);
    rest = rest.filter((mutant, index) => !isFirst(mutant, index));
  }
}

/** Tries the tests of a file of rules over these mutants; those that no test noticed. */
async function unnoticedOf(
  groups: readonly RuleGroup[],
  file: string,
  mutants: readonly Mutant[],
): Promise<readonly Mutant[]> {
  await using folder = await TemporaryFolder.make();
  const others = new Map(mutants.map(({ rule, other }) => [rule, other]));
  await mkdir(join(folder.path, 'rules'));
  await mkdir(join(folder.path, 'tests'));
  for (const [name, members] of Map.groupBy(groups, (group) => basename(group.file))) {
    const spoiled = members.map((group) => ({
      name: group.name,
      rules: group.rules.map((rule) => written(others.get(rule) ?? rule)),
    }));
    await writeFile(join(folder.path, 'rules', name), JSON.stringify({ groups: spoiled }));
  }
  const tests = `${basename(file, '.yml')}.test.yml`;
  await cp(join(TESTS, tests), join(folder.path, 'tests', tests));
  const { text, isWell } = await run('promtool', 'test', 'rules', join(folder.path, 'tests', tests));
  return mutants.filter(
    ({ rule }) => isWell || (rule.type === 'alerting' && !text.includes(`alertname: ${rule.name},`)),
  );
}

async function namesOf(pattern: string, suffix: string): Promise<string[]> {
  const names: string[] = [];
  for await (const file of glob(pattern)) names.push(basename(file, suffix));
  return names.toSorted();
}

describeWithPrometheus('the tests of the rules', () => {
  it('are there for each file of rules, and pass', async () => {
    const names = await namesOf(`${TESTS}/*.yml`, '.test.yml');

    const { text, isWell } = await run(
      'promtool',
      'test',
      'rules',
      ...names.map((name) => `${TESTS}/${name}.test.yml`),
    );

    expect(names).toEqual(await namesOf('configs/prometheus/rules/*.yml', '.yml'));
    expect(text.match(/SUCCESS/g)).toHaveLength(names.length);
    expect(isWell).toBe(true);
  }, 30_000);

  it('notice each rule that is wrong', async () => {
    await using prometheus = await PrometheusServer.start();
    const groups = await prometheus.groups();
    const unnoticed: string[] = [];
    let tried = 0;

    for (const { file, rules } of groups) {
      for (const [fault, spoil] of Object.entries(FAULTS)) {
        const mutants = rules.flatMap((rule) => {
          const other = spoil(rule);
          return other ? [{ rule, other }] : [];
        });
        for (const batch of batchesOf(mutants)) {
          tried += batch.length;
          for (const { rule } of await unnoticedOf(groups, file, batch))
            unnoticed.push(`${rule.name} ${fault}`);
        }
      }
    }

    expect(unnoticed).toEqual([]);
    expect(tried).toBeGreaterThan(70);
  }, 120_000);
});
