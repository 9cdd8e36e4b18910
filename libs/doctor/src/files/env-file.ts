import { parseEnv } from 'node:util';
import { fillIn } from './fill-in.js';

export interface EnvVariable {
  readonly name: string;
  readonly value: string;
  readonly line: number | undefined;
}

/** The variables of a `.env` file with their lines. A value may refer to variables that the file defines earlier. */
export function parseEnvFile(text: string): EnvVariable[] {
  const lines = text.split('\n');
  const values = new Map<string, string>();
  return Object.entries(parseEnv(text)).map(([name, value = '']) => {
    const definition = new RegExp(`^\\s*(?:export\\s+)?${name}\\s*=\\s*(')?`);
    const index = lines.findLastIndex((line) => definition.test(line));
    // In single quotes a dollar sign is literal.
    const isSingleQuoted = definition.exec(lines[index] ?? '')?.[1] !== undefined;
    values.set(name, isSingleQuoted ? value : fillIn(value, values));
    return { name, value: values.get(name)!, line: index === -1 ? undefined : index + 1 };
  });
}
