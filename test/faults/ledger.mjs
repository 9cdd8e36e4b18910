import { readFile } from 'node:fs/promises';

/** How often each write was executed, by its number, over all ledgers. */
export async function executionsIn(files) {
  const executions = new Map();
  for (const file of files) {
    const text = await readFile(file, 'latin1').catch((error) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    for (const line of text.split('\n')) {
      if (line !== '') executions.set(Number(line), (executions.get(Number(line)) ?? 0) + 1);
    }
  }
  return executions;
}

/** What may never happen, whatever the services do: the records of each kind. */
export function breachesOf(records, executions) {
  const writes = records.filter(({ isWrite }) => isWrite);
  return {
    /** No answer at all, or not the whole one. */
    lostReads: records.filter(({ isWrite, lost }) => !isWrite && lost !== undefined),
    doubledWrites: writes.filter(({ n }) => executions.get(n) > 1),
    /** The client was told that it is done. */
    silentlyLostWrites: writes.filter(({ n, status }) => status === 200 && !executions.has(n)),
  };
}
