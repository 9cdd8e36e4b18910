import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Variables } from '@app/gateway/internal';

/** A program that Node runs. */
export interface Program {
  readonly args: readonly string[];
  /** Whether the next program begins once this one has ended with 0. Default: at once. */
  readonly isAwaited?: boolean;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs programs side by side until one of them ends or this process gets a signal; then ends the others.
 * @returns the exit code of the one that ended first; 0 after a signal
 */
export async function runTogether(
  programs: readonly Program[],
  { folder, variables }: { readonly folder: string; readonly variables: Variables },
): Promise<number> {
  const children: ChildProcess[] = [];
  let wasSignalled = false;
  const end = (): void => {
    for (const child of children) child.kill('SIGTERM');
  };
  const onSignal = (): void => {
    wasSignalled = true;
    end();
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  try {
    for (const { args, isAwaited = false } of programs) {
      const child = spawn(process.execPath, args, { cwd: folder, env: { ...variables }, stdio: 'inherit' });
      children.push(child);
      if (!isAwaited) continue;
      const code = await codeOf(child);
      children.pop();
      if (code !== 0 || wasSignalled) return wasSignalled ? 0 : code;
    }
    const exits = children.map(codeOf);
    const code = await Promise.race(exits);
    end();
    await Promise.all(exits);
    return wasSignalled ? 0 : code;
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }
}

async function codeOf(child: ChildProcess): Promise<number> {
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}
