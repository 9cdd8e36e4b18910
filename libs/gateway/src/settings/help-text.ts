import { describeRow } from './describe-row.js';
import { entriesOf, type Table } from './setting.js';
import { TABLE } from './settings.js';

const COLUMNS = 100;

const USAGE = `Starts the gateway with the settings of the environment. --help prints this text.
A variable wins over the settings that the code of the application gives to GatewayModule.forRoot().
`;

/** The text of `--help`: each variable with its meaning, its default and the values it takes. */
export function helpText(table: Table = TABLE): string {
  const rows = entriesOf(table)
    .filter(({ row }) => row.variable !== undefined)
    .map((entry) => {
      const { name, default: fallback, meaning } = describeRow(entry);
      const facts = `Default: ${fallback}. Takes: ${entry.row.takes}.`;
      return [name, ...wrap(meaning.replaceAll('`', '')), ...wrap(facts.replaceAll('`', ''))].join('\n    ');
    });
  return [USAGE, ...rows, ''].join('\n');
}

function wrap(text: string): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + word.length < COLUMNS) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
