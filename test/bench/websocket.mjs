// Compares the gateway's WebSocket relay with a plain one made of `ws` alone, in one run on one machine: echo round
// trips, CPU per message, memory per idle socket. Run it after a build: `node test/bench/websocket.mjs`.
import { fork, spawn } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { WebSocket, WebSocketServer } from 'ws';

const SELF = fileURLToPath(import.meta.url);
const GATEWAY = fileURLToPath(new URL('../../dist/apps/gateway/src/main.js', import.meta.url));

const JWT_SECRET = 'a secret of the bench, long enough to be one';
const PATH = '/v1/ws/chat?conversation_id=7';
const HOST = '127.0.0.1';
const BACKLOG = 4_096;

const MESSAGE = 'm'.repeat(128);
const BUSY_SOCKETS = 50;
const ROUNDS = 3;
const ROUND_MS = 3_000;
const WARM_UP_MS = 1_000;
const IDLE_SOCKETS = 1_000;
/** Opened and closed before, so that code and tables that come with the first sockets are not counted. */
const FIRST_SOCKETS = 200;

/** Of the times in /proc/PID/stat; `getconf CLK_TCK` is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Lets the bench have a process collect its garbage, and ends the process with the bench. */
const COLLECTOR = `data:text/javascript,${encodeURIComponent(`
  const collect = () => gc({ flavor: 'last-resort' });
  process.on('message', () => {
    collect();
    setImmediate(() => {
      collect();
      process.send('collected');
    });
  });
  process.on('disconnect', () => process.exit());
`)}`;

/** Child: the service that echoes, and the clients, which do what the bench tells them. */
async function serveAndLoad() {
  const service = new WebSocketServer({ host: HOST, port: 0, backlog: BACKLOG, perMessageDeflate: false });
  service.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    socket.on('error', () => {});
  });
  await once(service, 'listening');
  let clients = [];
  const commands = {
    async open({ port, count }) {
      clients = await Promise.all(Array.from({ length: count }, () => openClient(port)));
    },
    async close() {
      const closed = clients.map((client) => once(client, 'close'));
      for (const client of clients) client.close();
      await Promise.all(closed);
      // The relay's ends at the service close with them.
      await Promise.all([...service.clients].map((socket) => once(socket, 'close')));
    },
    run: ({ forMs }) => runClients(clients, forMs),
  };
  process.on('disconnect', () => process.exit());
  process.on('message', ({ command, ...what }) => {
    commands[command](what).then(
      (result) => process.send({ result }),
      (error) => process.send({ error: String(error) }),
    );
  });
  process.send({ result: service.address().port });
}

/** Each client a user of its own. */
async function openClient(port) {
  const headers = { Authorization: `Bearer ${signToken()}` };
  const client = new WebSocket(`ws://${HOST}:${port}${PATH}`, { headers, perMessageDeflate: false });
  await once(client, 'open');
  return client;
}

/** Sends on every socket, and again with each echo, for this long. */
async function runClients(clients, forMs) {
  let roundTrips = 0;
  let isOver = false;
  const begun = performance.now();
  setTimeout(() => (isOver = true), forMs);
  await Promise.all(
    clients.map(async (client) => {
      const { promise: done, resolve, reject } = Promise.withResolvers();
      const onEcho = (data) => {
        if (data.length !== MESSAGE.length) reject(new Error(`an echo of ${data.length} bytes`));
        roundTrips++;
        if (isOver) resolve();
        else client.send(MESSAGE);
      };
      const onClose = (code) => reject(new Error(`closed with ${code}`));
      client.on('message', onEcho).on('close', onClose).send(MESSAGE);
      await done;
      client.off('message', onEcho).off('close', onClose);
    }),
  );
  return { roundTrips, elapsedMs: performance.now() - begun };
}

function signToken() {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const user = randomUUID();
  const claims = {
    user_id: user,
    sub: user,
    email: 'ada@example.com',
    username: 'ada',
    role: 'user',
    aud: 'secureconnect-api',
    iss: 'secureconnect-auth',
    jti: randomUUID(),
    iat: now,
    nbf: now,
    exp: now + 900,
  };
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
  return `${signed}.${createHmac('sha256', JWT_SECRET).update(signed).digest('base64url')}`;
}

/** Child: the least that relays: no gates, no limits, no clocks, no counts. */
async function relay() {
  const origin = process.env.CHAT_SERVICE_URL.replace('http:', 'ws:');
  const server = new WebSocketServer({ host: HOST, port: 0, backlog: BACKLOG, perMessageDeflate: false });
  server.on('connection', (client, request) => {
    const { authorization } = request.headers;
    const service = new WebSocket(`${origin}${request.url}`, {
      headers: { authorization },
      perMessageDeflate: false,
    });
    client.pause();
    service.once('open', () => client.resume());
    join(client, service);
    join(service, client);
  });
  await once(server, 'listening');
  console.log(JSON.stringify({ message: 'listening', port: server.address().port }));
}

function join(from, to) {
  from.on('message', (data, isBinary) => to.send(data, { binary: isBinary }));
  from.on('close', () => to.close());
  from.on('error', () => to.terminate());
}

/** A child that the bench talks to, one question at a time. */
class Load {
  constructor() {
    this.child = fork(SELF, ['load']);
  }

  async answer() {
    const settled = new AbortController();
    const { signal } = settled;
    const ended = once(this.child, 'exit', { signal }).then(() => [{ error: 'the load ended' }]);
    try {
      const [{ result, error }] = await Promise.race([once(this.child, 'message', { signal }), ended]);
      if (error) throw new Error(error);
      return result;
    } finally {
      ended.catch(() => {});
      settled.abort();
    }
  }

  ask(command, what = {}) {
    const answer = this.answer();
    this.child.send({ command, ...what });
    return answer;
  }
}

/** A relay as a process of its own, until it is disposed of. */
class Proxy {
  constructor({ name, parameters }, serviceUrl) {
    this.child = spawn(process.execPath, ['--expose-gc', '--import', COLLECTOR, ...parameters], {
      env: {
        ...process.env,
        JWT_SECRET,
        HOST,
        PORT: '0',
        CHAT_SERVICE_URL: serviceUrl,
        WEBSOCKET_MESSAGES_PER_SECOND: '100000',
        RATELIMIT: 'off',
        REDIS_URL: `redis://${HOST}:9`,
      },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    const { promise, resolve, reject } = Promise.withResolvers();
    this.port = promise;
    this.child.once('exit', (code) => reject(new Error(`${name} ended with ${code}`)));
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      const { message, port } = JSON.parse(line);
      if (message === 'listening') resolve(port);
    });
  }

  [Symbol.dispose]() {
    this.child.kill('SIGKILL');
  }

  /** User and system time of the process so far, in microseconds. */
  async cpuUs() {
    const stat = await readFile(`/proc/${this.child.pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1e6;
  }

  /** What the process holds in memory after a collection, in KB. */
  async residentKb() {
    const collected = once(this.child, 'message');
    this.child.send('collect');
    await collected;
    const status = await readFile(`/proc/${this.child.pid}/status`, 'latin1');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)[1]);
  }
}

/** The bench itself. */
async function compare() {
  if (!existsSync(GATEWAY)) throw new Error('There is no build: run `npm run build` first');
  const kinds = [
    { name: 'gateway', parameters: [GATEWAY], memory: [], rates: [], cpu: [] },
    { name: 'plain ws', parameters: [SELF, 'relay'], memory: [], rates: [], cpu: [] },
  ];
  const load = new Load();
  try {
    const serviceUrl = `http://${HOST}:${await load.answer()}`;
    for (let round = 1; round <= ROUNDS; round++) {
      // Who comes first takes turns.
      for (const kind of round % 2 === 1 ? kinds : kinds.toReversed()) {
        using proxy = new Proxy(kind, serviceUrl);
        await measureRound(kind, proxy, load);
        const [memory, rate, cpu] = [kind.memory, kind.rates, kind.cpu].map((values) => values.at(-1));
        console.log(
          `round ${round}, ${kind.name}: ${rate.toFixed(0)} round trips/s, ${cpu.toFixed(1)} µs CPU per message, ` +
            `${memory.toFixed(1)} KB per idle socket`,
        );
      }
    }
  } finally {
    load.child.kill('SIGKILL');
  }
  print(kinds);
}

/** Each round has a new process: what one kept for itself would be missing in the next one's memory. */
async function measureRound(kind, proxy, load) {
  const port = await proxy.port;
  // :: Memory
  await load.ask('open', { port, count: FIRST_SOCKETS });
  await load.ask('close');
  const kbBefore = await proxy.residentKb();
  await load.ask('open', { port, count: IDLE_SOCKETS });
  kind.memory.push(((await proxy.residentKb()) - kbBefore) / IDLE_SOCKETS);
  await load.ask('close');
  // :: Messages
  await load.ask('open', { port, count: BUSY_SOCKETS });
  await load.ask('run', { forMs: WARM_UP_MS });
  const usBefore = await proxy.cpuUs();
  const { roundTrips, elapsedMs } = await load.ask('run', { forMs: ROUND_MS });
  // A round trip is two messages for the proxy.
  kind.cpu.push(((await proxy.cpuUs()) - usBefore) / (roundTrips * 2));
  kind.rates.push((roundTrips / elapsedMs) * 1000);
  await load.ask('close');
}

/** Ratios are of the same round, so that what else the machine did meanwhile weighs on both. */
function print([gateway, plain]) {
  const row = (...[label, ...cells]) =>
    console.log(label.padEnd(36) + cells.map((cell) => cell.padStart(12)).join(''));
  const figures = (label, digits, name) => {
    const ratios = gateway[name].map((value, round) => value / plain[name][round]);
    const [ours, theirs] = [gateway, plain].map((kind) => median(kind[name]).toFixed(digits));
    row(label, ours, theirs, median(ratios).toFixed(2));
  };
  console.log(`\n${MESSAGE.length}-byte echoes over ${BUSY_SOCKETS} sockets, medians of ${ROUNDS} rounds`);
  row('', gateway.name, plain.name, 'ratio');
  figures('round trips/s', 0, 'rates');
  figures('CPU µs per message, each way', 1, 'cpu');
  figures(`KB per idle socket, of ${IDLE_SOCKETS}`, 1, 'memory');
}

function median(values) {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)];
}

const ROLES = { load: serveAndLoad, relay, undefined: compare };
await ROLES[process.argv[2]]();
