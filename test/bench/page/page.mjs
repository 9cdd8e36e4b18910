// Makes performance.md and its charts from performance.json, in docs or another directory:
// `node test/bench/page/page.mjs [DIRECTORY]`.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { cpuChartOf } from './cpu-chart.mjs';
import { isGrowth, tableOf } from '../figures.mjs';
import { compareWithGoals } from '../goals.mjs';
import { growthChartOf } from './growth-chart.mjs';
import { describeGoal } from '../report.mjs';
import { tailsChartOf } from './tails-chart.mjs';
import { GATEWAY_FLAGS } from '../processes/targets.mjs';
import { GROWTH_CONNECTIONS, SIZES_CONNECTIONS } from '../scenarios/growth.mjs';
import { PERCENTS, TAILS_CONNECTIONS } from '../scenarios/tails.mjs';

const DOCS = fileURLToPath(new URL('../../../docs', import.meta.url));

/** Makes the page and its charts from the result in the same directory. @throws Error if nothing was recorded */
export async function writePage(directory = DOCS) {
  const path = (name) => join(directory, name);
  const result = JSON.parse(await readFile(path('performance.json'), 'utf8'));
  const { closed, tails, growth } = sectionsOf(result);
  const files = {
    'performance.json': JSON.stringify(result),
    'performance.md': pageOf(result),
  };
  const options = await resolveConfig(join(DOCS, 'performance.md'));
  for (const [name, text] of Object.entries(files)) {
    await writeFile(path(name), await format(text, { ...options, filepath: path(name) }));
  }
  const charts = {
    'performance.svg': cpuChartOf(closed.filter(({ targets }) => 'cpuUs' in targets[0].rounds[0])),
    'performance-tails.svg': tailsChartOf(
      tails.filter(({ key, connections }) => key.startsWith('tails-') && connections === TAILS_CONNECTIONS),
    ),
    'performance-growth.svg': growthChartOf(growth),
  };
  for (const [name, text] of Object.entries(charts)) await writeFile(path(name), text);
}

/** Says which turns failed and were repeated. */
function repetitionsOf({ scenarios }) {
  const repeated = scenarios.flatMap(({ title, targets }) =>
    targets
      .filter(({ repeatedTurns }) => repeatedTurns)
      .map((target) => `${target.title} in '${title}' (${target.repeatedTurns})`),
  );
  return repeated.length > 0 ? `Turns that failed and were repeated: ${repeated.join(', ')}.` : '';
}

function sectionsOf({ scenarios }) {
  return {
    closed: scenarios.filter((scenario) => !scenario.rate && !isGrowth(scenario)),
    tails: scenarios.filter(({ rate }) => rate),
    growth: scenarios.filter(isGrowth),
  };
}

function pageOf(result) {
  const { date, commit, machine, versions, rounds, seconds } = result;
  const { closed, tails, growth } = sectionsOf(result);
  const names = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `
# Performance

Made by \`npm run bench -- --record\` from [performance.json](performance.json), which has all rounds; not to be edited.

![CPU time by target and scenario](performance.svg)

Measured on ${date.slice(0, 10)}, commit ${commit}: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.kernel};
${names.join(', ')}.

Each target is one process on one core; the load and the service behind the target share the other core. All targets run
side by side and take turns: ${rounds} rounds of ${seconds} s for every figure that a goal needs, a quarter of these rounds
for the others. A figure is the median of its rounds. A ratio is the median of the ratios of each round; the range is from the
least to the greatest. All figures depend on what else the machine does, ratios of one round the least. Before it is timed,
each target must return the right bytes and send \`X-Forwarded-For\` to the service. CPU is user and system time of all
threads of the target; peak memory is its \`VmHWM\`. A target that uses much less than its whole core could do more than the
load here asks of it.

\`everything on\` is the gateway with the signed tokens of ${result.users} users (each is verified once and then looked up),
rate limits that are counted in memory, no Redis, request ids, an access log to a file, and metrics. It runs as in its image,
with ${GATEWAY_FLAGS.join(' ')} and one arena of malloc; the other programs of Node run with Node's defaults. The peers only
forward. Idle connections are measured in a process of their own; programs of Node collect their garbage before.
${repetitionsOf(result)}

## Goals

${markdownTable([['', 'at most', 'median', 'by round', ''], ...compareWithGoals(result).map(goalRow)])}

Another run may decide otherwise about a goal whose limit is within its range. \`npm run bench -- --profile\` shows where the
gateway's CPU time goes.

## Scenarios

Each client sends its next request as soon as it has the response to the one before, so that the target has as much to do as
it can.

${closed.map(section).join('\n\n')}

## Tails

![Latency percentiles by target at fixed rates](performance-tails.svg)

Requests come at a fixed rate, the same for all targets: ${formatPercents()} % of the capacity of the slowest target. Its capacity is
what it does in a closed loop of ${TAILS_CONNECTIONS} connections in the same run. Each request has a moment at which it is due, and its latency
counts from there. If all connections are busy, the request waits, and the wait counts. A round begins with a lead-in that does
not count, in which each connection has its first request. Each percentile is the median of the rounds' percentiles; of a
round with few requests, p99.9 is the slowest or the one before. \`late\` is
the share of the generator: 99 % of the requests left at most so long after they were due and a connection was free.

${tails.map(section).join('\n\n')}

## Growth

![CPU time and memory by what grows](performance-growth.svg)

Each step has a process of its own, and all steps are measured side by side, in rounds of half the length. There are ${GROWTH_CONNECTIONS}
connections, ${SIZES_CONNECTIONS} for the sizes; each sends its next request as soon as it has the response to the
one before.

- Routes: requests use all of them in turn. Go has them in an \`http.ServeMux\`.
- Instances: addresses of one service. Go's \`Director\` takes them in turn.
- Users: requests have their tokens in turn. The cache of verified tokens has room for 10,000; with more users each token is
  verified again.
- Revoked tokens are in a Redis, which also counts the rate limits of all steps. Memory has room for 250,000; with more, the
  gateway asks Redis for each request.

${growth.map(section).join('\n\n')}
`;
}

/** `10, 40 or 70`. */
function formatPercents() {
  return new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(PERCENTS.map(String));
}

function section(scenario) {
  return `### ${scenario.title}\n\n${markdownTable(tableOf(scenario))}`;
}

function goalRow(goal) {
  const { name, most, value, range } = describeGoal(goal);
  return [name, most, value, range, goal.isMet ? 'met' : '**not met**'];
}

/** Figures to the right. */
function markdownTable([heads, ...rows]) {
  const marks = heads.map((_, index) => (index === 0 ? '---' : '---:'));
  return [heads, marks, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writePage(process.argv[2]);
