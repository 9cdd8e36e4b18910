// Makes docs/performance.md and its chart from docs/performance.json: `node test/bench/page/page.mjs`.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { chartOf } from './chart.mjs';
import { tableOf } from './figures.mjs';
import { compareWithGoals } from './goals.mjs';
import { describeGoal } from './report.mjs';
import { GATEWAY_FLAGS } from '../processes/targets.mjs';

const path = (name) => fileURLToPath(new URL(`../../../docs/${name}`, import.meta.url));

/** @throws Error where nothing was recorded */
export async function writePage() {
  const result = JSON.parse(await readFile(path('performance.json'), 'utf8'));
  const files = {
    'performance.json': JSON.stringify(result),
    'performance.md': pageOf(result),
  };
  for (const [name, text] of Object.entries(files)) {
    const options = await resolveConfig(path(name));
    await writeFile(path(name), await format(text, { ...options, filepath: path(name) }));
  }
  await writeFile(path('performance.svg'), chartOf(result));
}

function pageOf(result) {
  const { date, commit, machine, versions, rounds, seconds, scenarios } = result;
  const names = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `
# Performance

Made by \`npm run bench -- --record\` from [performance.json](performance.json), which has all rounds; not to be edited.

![CPU time by target and scenario](performance.svg)

Measured on ${date.slice(0, 10)}, commit ${commit}: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.kernel};
${names.join(', ')}.

Each target is one process on one core, the load and the service behind it share another. All run side by side, and take
turns: ${rounds} rounds of ${seconds} s each, A B C A B C; a figure is the median of its rounds, a ratio the median of the
ratios of each round. Before it is timed, each target must return the right bytes, and have sent \`X-Forwarded-For\` to the
service. CPU is user and system time of all threads of the target, peak memory its \`VmHWM\`. All of these depend on what
else the machine does, ratios of the same round least: each goal has its least and its greatest. A target that uses much
less than its whole core could do more than the load here asks of it.

\`everything on\` is the gateway with signed tokens of ${result.users} users, each verified once and then looked up, rate
limits counted in memory, without Redis, request ids, an access log to a file, and metrics. It runs as in its image, with
${GATEWAY_FLAGS.join(' ')} and one arena of malloc; the other programs of Node with its defaults. The peers forward, and do
none of that. An idle WebSocket is measured in a process of its own, in programs of Node after a collection of their
garbage.

## Goals

${markdownTable([['', 'at most', 'median', 'by round', ''], ...compareWithGoals(result).map(goalRow)])}

What stands against a goal that is not met: where a range has the limit within it, another run may decide otherwise. Of a
small request's time the largest part is the kernel's, for writes to two sockets, then that of the pooled client of the
services; \`--profile\` has all of it. Of the memory, most is Node's own program and what Nest and the other packages leave
at boot; of a WebSocket message's time, the frames are read and written on both sides, so that the gateway can speak in
between.

## Scenarios

${scenarios.map((scenario) => `### ${scenario.title}\n\n${markdownTable(tableOf(scenario))}`).join('\n\n')}
`;
}

function goalRow(goal) {
  const { what, most, value, range } = describeGoal(goal);
  return [what, most, value, range, goal.isMet ? 'met' : '**not met**'];
}

/** Figures to the right. */
function markdownTable([heads, ...rows]) {
  const marks = heads.map((_, index) => (index === 0 ? '---' : '---:'));
  return [heads, marks, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writePage();
