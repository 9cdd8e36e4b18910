import { parseEnv } from 'node:util';
import { fillIn } from './fill-in.js';

export interface EnvVariable {
  readonly name: string;
  readonly value: string;
  readonly line: number | undefined;
}

/** The variables of a `.env` file with their lines. A value may contain variables from above. */
export function parseEnvFile(text: string): EnvVariable[] {
  const lines = text.split('\n');
  const values = new Map<string, string>();
  return Object.entries(parseEnv(text)).map(([name, value = '']) => {
    const index = lines.findLastIndex((line) => new RegExp(`^\\s*(?:export\\s+)?${name}\\s*=`).test(line));
    // In single quotes a dollar sign is literal.
    const isPlain = /=\s*'/.test(lines[index] ?? '');
    values.set(name, isPlain ? value : fillIn(value, values));
    return { name, value: values.get(name)!, line: index === -1 ? undefined : index + 1 };
  });
}
