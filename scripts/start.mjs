// Runs the whole system on this machine: the gateway and the four reference services, each as its own process. Ctrl-C
// ends the gateway first, which drains, then the services. With --watch, the script compiles and restarts the gateway
// when one of its files changes, and prints log lines in a form for people.
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const port = Number(process.env.PORT || 8080);
const isWatching = process.argv.includes('--watch');
const logLevel = process.env.LOG_LEVEL || (isWatching ? 'info' : '');
const SERVICES = ['auth', 'chat', 'video', 'storage'];

const isGiven = Boolean(process.env.JWT_SECRET);
const secret = process.env.JWT_SECRET || randomBytes(32).toString('base64url');
// The demo page may call the gateway, on any port of the gateway.
const origins = ['localhost', '127.0.0.1']
  .map((host) => `http://${host}:${port}`)
  .concat(process.env.CORS_ALLOWED_ORIGINS || [])
  .join();
const dataDir = process.env.DATA_DIR || `${root}.local`;
mkdirSync(dataDir, { recursive: true });

/** The running processes that this script has started, by name. */
const running = new Map();
let stopping = false;

/** Starts an application of this repository. */
function launch(name, entry, environment) {
  return launchCommand(name, process.execPath, [`${root}dist/apps/${entry}/src/main.js`], environment);
}

/** Starts the gateway from its build or, with --watch, under Nest's watcher, which passes signals on to it. */
function launchGateway(environment) {
  if (!isWatching) return launch('gateway', 'gateway', environment);
  const nest = [
    `${root}node_modules/@nestjs/cli/bin/nest.js`,
    'start',
    'gateway',
    '--watch',
    '--preserveWatchOutput',
    // With a shell, a signal would reach only the shell.
    '--no-shell',
  ];
  return launchCommand('gateway', process.execPath, [...nest, '--exec', process.execPath], {
    LOG_LEVEL: logLevel,
    ...environment,
  });
}

/** Starts a process in its own group: Ctrl-C reaches this script only, which then ends the processes in order. */
function launchCommand(name, command, args, environment) {
  const child = spawn(command, args, {
    env: { ...process.env, JWT_SECRET: secret, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const ended = new Promise((resolve) => {
    child.on('exit', (code) => {
      running.delete(name);
      resolve(code);
      if (stopping) return;
      // The gateway works without Redis.
      if (name === 'redis') console.log(`redis ended with code ${code}: the gateway is degraded`);
      else void stop(`${name} ended with code ${code}`, 1);
    });
  });
  running.set(name, { child, ended });
  return child;
}

/** Resolves to the port that a process reports when it listens. Prints the other lines according to the log level. */
function listening(child, name) {
  return new Promise((resolve, reject) => {
    child.on('exit', () => reject(new Error(`${name} did not start`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      let entry;
      try {
        entry = JSON.parse(line);
      } catch {
        entry = {};
      }
      if (entry.message === 'listening') resolve(entry.port);
      if (logLevel || entry.level === 'error') console.log(formatLine(line));
    });
  });
}

/** Creates a function that formats a log line: unchanged or, with --watch, in a form for people. */
async function createFormatter() {
  if (!isWatching) return (line) => line;
  const { prettyFactory } = await import('pino-pretty');
  const format = prettyFactory({
    colorize: process.stdout.isTTY,
    messageKey: 'message',
    ignore: 'pid,hostname',
    singleLine: true,
  });
  return (line) => (line.startsWith('{') ? format(line).trimEnd() : line);
}

/** Finds a free port. Another process may take it before it is used. */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = server.address();
      server.close(() => resolve(free));
    });
  });
}

/**
 * Starts a Redis without persistence, if the environment names none and this machine has redis-server.
 * @returns the variables with its address, and a line about it for the user
 */
async function startRedis() {
  if (['REDIS_URL', 'REDIS_URL_FILE', 'REDIS_HOST', 'REDIS_PASSWORD'].some((name) => process.env[name]))
    return { variables: {}, about: 'Redis is the one that the environment names.' };
  if (spawnSync('redis-server', ['--version']).error) {
    const about =
      'This machine has no redis-server: limits and logouts hold for this gateway only, and readiness is degraded.';
    return { variables: {}, about };
  }
  const at = String(await freePort());
  const args = ['--port', at, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const child = launchCommand('redis', 'redis-server', args, {});
  await new Promise((resolve, reject) => {
    child.on('exit', () => reject(new Error('redis did not start')));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.includes('Ready to accept connections')) resolve();
    });
  });
  return { variables: { REDIS_URL: `redis://127.0.0.1:${at}` }, about: `Redis listens on 127.0.0.1:${at}.` };
}

async function stop(reason, code = 0) {
  if (stopping) return;
  stopping = true;
  console.log(`\n${reason}: the gateway drains, then the services end ...`);
  const end = async (name) => {
    const entry = running.get(name);
    if (!entry) return;
    entry.child.kill('SIGTERM');
    await entry.ended;
  };
  await end('gateway');
  await Promise.all(SERVICES.map((name) => end(name)));
  await end('redis');
  console.log('Everything has ended.');
  process.exit(code);
}

/** The first signal ends the processes in order, a second one kills them at once. */
function onSignal(signal) {
  if (!stopping) {
    void stop(signal);
    return;
  }
  for (const { child } of running.values()) child.kill('SIGKILL');
  process.exit(1);
}

function isTaken() {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(socket.destroy() && true)).once('error', () => resolve(false));
  });
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, onSignal);

if (port !== 0 && (await isTaken())) {
  console.error(`Port ${port} is taken. Set PORT to a free one: PORT=8090 npm start`);
  process.exit(1);
}

const formatLine = await createFormatter();
const addresses = {};
try {
  const redis = await startRedis();
  const startService = async (name) => {
    const environment = {
      SERVICE: name,
      PORT: '0',
      HOST: '127.0.0.1',
      DATA_DIR: dataDir,
      ALLOWED_ORIGINS: origins,
      ...redis.variables,
      ...addresses,
    };
    const child = launch(name, 'reference', environment);
    addresses[`${name.toUpperCase()}_SERVICE_URL`] = `http://127.0.0.1:${await listening(child, name)}`;
  };
  // Auth starts first: chat and video ask it for the members of a conversation.
  await startService('auth');
  await Promise.all(SERVICES.filter((name) => name !== 'auth').map(startService));
  // No load balancer reads readiness here, so no shutdown delay is needed.
  const gateway = launchGateway({
    PORT: String(port),
    SHUTDOWN_DELAY_MS: '0',
    CORS_ALLOWED_ORIGINS: origins,
    DEMO_SERVICE_URL: addresses.CHAT_SERVICE_URL,
    ...redis.variables,
    ...addresses,
  });
  const address = `http://127.0.0.1:${await listening(gateway, 'gateway')}`;
  console.log(`
SecureConnect runs at ${address}   (Ctrl-C ends it)
${isGiven ? 'JWT_SECRET is the one of the environment.' : 'JWT_SECRET is a random one for this run: set it to keep tokens valid over a restart.'}
${redis.about}
See it: ${address}/demo
Data is in ${dataDir}. ${isWatching ? 'Change a file of the gateway, and it restarts.' : 'Log lines: LOG_LEVEL=info npm start'}

Try:
  curl -s ${address}/v1/auth/register -H 'Content-Type: application/json' -d '{"email":"ada@example.com","username":"ada","password":"correct horse battery"}'
  TOKEN=$(curl -s ${address}/v1/auth/login -H 'Content-Type: application/json' -d '{"email":"ada@example.com","password":"correct horse battery"}' | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
  curl -s ${address}/v1/auth/profile -H "Authorization: Bearer $TOKEN"
`);
} catch (error) {
  await stop(error.message, 1);
}
