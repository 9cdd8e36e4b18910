import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeUnderLoad } from '../support/requirements.js';

/** An assertion of the fault bench. */
interface Assertion {
  readonly phase: string;
  readonly name: string;
  readonly holds: boolean;
  readonly detail?: string;
}

const LIMIT_MS = 45_000;

/** Plays a few phases of `npm run bench:faults`, with few clients. */
async function play(phases: string): Promise<readonly Assertion[]> {
  const directory = await mkdtemp(join(tmpdir(), 'gateway-fault-bench-'));
  const report = join(directory, 'report.json');
  const parameters = ['--only', phases, '--clients', '8', '--report', report];
  const bench = spawn(process.execPath, ['test/faults/run.mjs', ...parameters], {
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: LIMIT_MS - 2_000,
  });
  await once(bench, 'exit');
  try {
    return JSON.parse(await readFile(report, 'utf8')) as Assertion[];
  } finally {
    await rm(directory, { recursive: true });
  }
}

describeUnderLoad('instances that die, reset and restart under load', () => {
  it(
    'lose no read, make no write happen twice, and lose none without an error',
    async () => {
      const assertions = await play('kill,reset,rolling');

      expect(assertions.filter(({ holds }) => !holds)).toEqual([]);
      expect(assertions.map(({ phase, name }) => `${phase}: ${name}`)).toEqual(
        expect.arrayContaining([
          'all: reads lost: 0',
          'all: writes executed twice: 0',
          'all: writes lost without an error: 0',
          'rolling: no request failed',
        ]),
      );
    },
    LIMIT_MS,
  );
});
