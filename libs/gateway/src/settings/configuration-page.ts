import { describeRow, isSecret } from './describe-row.js';
import { entriesOf, type Entry, type Table } from './setting.js';
import { TABLE } from './settings.js';

const INTRODUCTION = `# Configuration

<!-- Made by \`npm run docs:configuration\` from libs/gateway/src/settings; a change here is lost. -->

The gateway reads its settings once: from the environment, then from the code of the application for its \`ENV\`, then from other
code, then from the defaults below. An empty variable counts as not set. If a value is wrong, the
gateway prints all faults, a line each, and exits with 78. If an unknown variable resembles one of these, the gateway logs a
warning with the nearest name. Former names are in [upgrading.md](upgrading.md). With \`--help\` the gateway prints this list, and [configuration.schema.json](configuration.schema.json) is its JSON schema.

Code may set each by its name in code; a variable wins:

\`\`\`ts
GatewayModule.forRoot({
  proxy: { requestTimeoutMs: 40_000 },
  environments: { production: { host: '0.0.0.0' } },
});
\`\`\`
`;

const TITLES: Readonly<Record<string, string>> = {
  '': 'General',
  server: 'Client connections',
  proxy: 'Upstreams',
  websocket: 'WebSockets',
  auth: 'Tokens',
  rateLimit: 'Rate limits',
  redis: 'Redis',
  cors: 'Pages of other origins',
  overload: 'Overload',
  drain: 'Shutdown',
};

/** The text of docs/configuration.md. */
export function configurationPage(table: Table = TABLE): string {
  const groups = Map.groupBy(entriesOf(table), ({ path }) =>
    path.includes('.') ? path.slice(0, path.indexOf('.')) : '',
  );
  const sections = [...groups].map(
    ([group, entries]) => `## ${TITLES[group] ?? group}\n\n${entries.map(sectionOf).join('\n')}`,
  );
  return [INTRODUCTION, ...sections].join('\n');
}

function sectionOf(entry: Entry): string {
  const { name, default: fallback, meaning } = describeRow(entry);
  return `### \`${name}\`\n\n${meaning}\n\n${factsOf(entry, fallback).join('\n')}\n`;
}

function factsOf({ path, row }: Entry, fallback: string): string[] {
  const { variable } = row;
  const facts = [`- Default: ${fallback}`, `- Takes: ${row.takes.replaceAll('*', '`*`')}`];
  if (row.kind === 'setting' && row.below) facts.push(`- Must be less than: \`${row.below}\``);
  if (row.kind === 'setting' && row.excludes) facts.push(`- Must not be set with: \`${row.excludes}\``);
  if (isSecret(row)) facts.push(`- From a file: \`${variable}_FILE\` names it`);
  facts.push(variable === undefined ? '- Set by code alone' : `- In code: \`${path}\``);
  return facts;
}
