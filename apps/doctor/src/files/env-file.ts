import { parseEnv } from 'node:util';
import { fillIn } from './fill-in.js';

export interface EnvVariable {
  readonly name: string;
  readonly value: string;
  readonly line: number | undefined;
}

/** The variables of a `.env` file, which may be made of those above them, with their lines. */
export function parseEnvFile(text: string): EnvVariable[] {
  const lines = text.split('\n');
  const values = new Map<string, string>();
  return Object.entries(parseEnv(text)).map(([name, value = '']) => {
    const index = lines.findLastIndex((line) => new RegExp(`^\\s*(?:export\\s+)?${name}\\s*=`).test(line));
    // Single quotes keep a dollar sign.
    const isPlain = /=\s*'/.test(lines[index] ?? '');
    values.set(name, isPlain ? value : fillIn(value, values));
    return { name, value: values.get(name)!, line: index === -1 ? undefined : index + 1 };
  });
}
