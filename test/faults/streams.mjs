// Runs the test of event streams that survive restarts with a thousand streams in place of fifty, and prints its figures.
// `npm run bench:streams`, `-- --streams 200`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';

const JEST = ['--no-warnings', 'node_modules/jest/bin/jest.js', 'test/nginx/event-streams'];

const { values } = parseArgs({ options: { streams: { type: 'string', default: '1000' } } });
if (!(Number(values.streams) > 0)) throw new Error('--streams takes a number above 0');

const child = spawn(process.execPath, JEST, {
  env: { ...process.env, CI: '1', STREAMS: values.streams },
  stdio: 'inherit',
});
const [code] = await once(child, 'exit');
process.exitCode = code ?? 1;
