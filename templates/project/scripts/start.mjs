// Runs the example service and the gateway on this machine; Ctrl-C ends both. With --watch the gateway restarts at each
// change of its code.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { command, environment } from './environment.mjs';

const isWatching = process.argv.includes('--watch');

/** Starts a program in a group of its own, so that Ctrl-C reaches this script alone, which ends them in order. */
function start(args, variables) {
  const stdio = ['ignore', 'pipe', 'inherit'];
  return spawn(process.execPath, args, { env: { ...environment, ...variables }, stdio, detached: true });
}

/** Prints the lines of a program. Resolves to the port on which it listens; rejects if it ends before. */
function portOf(child) {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${child.spawnargs[1]} ended with code ${code}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      console.log(line);
      if (line.includes('"message":"listening"')) resolve(JSON.parse(line).port);
    });
  });
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

const service = start(['dist/example/orders-service.js'], { PORT: '0' });
const gateway = start(isWatching ? [command, 'dev'] : ['dist/main.js'], {
  ORDERS_SERVICE_URL: `http://127.0.0.1:${await portOf(service)}`,
  // No load balancer reads the readiness here.
  SHUTDOWN_DELAY_MS: '0',
});

// The gateway ends first: it drains, for which it needs the service.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => void end(gateway));
gateway.once('exit', (code) => void end(service).then(() => process.exit(code ?? 1)));

const url = `http://127.0.0.1:${await portOf(gateway)}`;
const signing = [command, 'token', '--user', 'ada', '--role', 'customer'];
const token = spawnSync(process.execPath, signing, { env: environment, encoding: 'utf8' }).stdout.trim();
console.log(`
The gateway runs at ${url}   (Ctrl-C ends it)

Try:
  curl ${url}/products
  curl ${url}/orders -H 'Authorization: Bearer ${token}'
  curl ${url}/health/ready
`);
