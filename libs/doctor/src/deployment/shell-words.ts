import type { Command } from '../files/docker-stage.js';

/** The words of a line for a shell. Knows quotes, and neither variables nor substitutions. */
export function shellWords(line: string): string[] {
  return [...line.matchAll(/(?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*"|['"])+/gs)].map(([word]) =>
    word.replaceAll(
      /'([^']*)'|"((?:[^"\\]|\\.)*)"/gs,
      (_, single?: string, double?: string) => single ?? double ?? '',
    ),
  );
}

/** The commands of a line for a shell, one after the other. */
export function shellCommands(line: string): string[][] {
  // Operators between commands are outside of quotes.
  return [...line.matchAll(/(?:[^'"|&;\n]|'[^']*'|"[^"]*"|(?<=[<>])&|['"])+/gs)]
    .map(([part]) => shellWords(part))
    .filter((words) => words.length > 0);
}

/** The words of a command, whether or not a shell reads it. */
export function wordsOf(command: Command): readonly string[] {
  return 'argv' in command ? command.argv : shellWords(command.shell);
}
