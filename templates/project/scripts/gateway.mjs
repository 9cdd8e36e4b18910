// The command `gateway` with this machine's secret: npm run gateway -- explain GET /orders --user ada
import { spawnSync } from 'node:child_process';
import { command, environment } from './environment.mjs';

const args = [command, ...process.argv.slice(2)];
process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit', env: environment }).status ?? 1;
