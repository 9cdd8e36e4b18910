import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { converse, formatCommand, parseLines } from '../support/redis-conversation.js';
import { exchangeRaw } from '../support/raw-client.js';
import { describeWithRedis, RedisServer } from '../support/redis.js';
import { StandInServer } from '../support/redis-stand-in.js';

/** Writes with a script, as the gateway's probe does. */
const WRITE_SCRIPT = "return redis.call('set', KEYS[1], '1', 'PX', 60000)";
const READ_SCRIPT =
  "local ttls = {} for at, key in ipairs(ARGV) do ttls[at] = redis.call('pttl', key) end return ttls";

const COMMANDS = [
  ...parseLines(`a HELLO 3
    a SET k v
    a SET k v PX 1000
    a GET k
    a DEL k
    a EXPIRE k 1
    a INCRBY k 1
    a SELECT 1
    a SELECT 0
    a CLIENT SETNAME name
    a CONFIG GET notify-keyspace-events
    a SUBSCRIBE news
    a SCAN 0
    a OTHER
    a GET`),
  ['a', 'EVAL', WRITE_SCRIPT, '1', 'k'],
  ['a', 'EVAL', READ_SCRIPT, '0', 'k'],
] as const;

/** Brings a redis-server into a state in which it refuses commands with each code. */
const STATES: readonly (readonly [code: string, enter: (redis: RedisServer) => Promise<void>])[] = [
  ['OOM', (redis) => configure(redis, 'CONFIG SET maxmemory 1')],
  ['NOREPLICAS', (redis) => configure(redis, 'CONFIG SET min-replicas-to-write 1')],
  ['READONLY', (redis) => configure(redis, 'REPLICAOF 127.0.0.1 9')],
  [
    'MASTERDOWN',
    (redis) => configure(redis, 'CONFIG SET replica-serve-stale-data no', 'REPLICAOF 127.0.0.1 9'),
  ],
  ['LOADING', load],
  ['BUSY', runForever],
];

async function configure(redis: RedisServer, ...commands: readonly string[]): Promise<void> {
  const admin = await redis.client();
  for (const command of commands) {
    const [name, ...args] = command.split(' ');
    await admin.call(name!, ...args);
  }
}

/** Restarts it with keys that take some seconds to load. */
async function load(redis: RedisServer): Promise<void> {
  const client = await redis.client({ retryStrategy: () => null, disconnectTimeout: 50 });
  await client.call('DEBUG', 'POPULATE', '30000');
  await client.save();
  await redis.kill();
  // Microseconds for each key. It is killed before it has loaded all.
  redis.restart('--key-load-delay', '200', '--loading-process-events-interval-bytes', '1024').catch(() => {});
  await redis.reachable();
}

/** Begins a script without an end. */
async function runForever(redis: RedisServer): Promise<void> {
  await configure(redis, 'CONFIG SET busy-reply-threshold 1');
  const [busy, client] = [await redis.client(), await redis.client()];
  void busy.eval('while true do end', 0).catch(() => {});
  while (
    await client.ping().then(
      () => true,
      () => false,
    )
  );
}

describeWithRedis('the stand-in for Redis refuses byte for byte as redis-server', () => {
  it.each(STATES)('with %s', async (code, enter) => {
    const directory = await mkdtemp(join(tmpdir(), 'gateway-redis-'));
    await using stack = new AsyncDisposableStack();
    stack.defer(() => rm(directory, { recursive: true }));
    const redis = stack.use(await RedisServer.start('--dir', directory));
    const standIn = stack.use(await StandInServer.start());
    await enter(redis);
    standIn.standIn.refuseWrites(code);

    expect(await converse(standIn, COMMANDS)).toEqual(await converse(redis, COMMANDS));
  });

  it('with NOPERM', async () => {
    const user = 'default on nopass ~* resetchannels +@all -config|set -scan -set'.split(' ');
    await using redis = await RedisServer.start('--user', ...user);
    await using standIn = await StandInServer.start();
    standIn.standIn.setRights({ deniedCommands: ['config|set', 'scan', 'set'], deniesChannels: true });
    const script = [
      ...COMMANDS,
      ...parseLines(`a CONFIG SET notify-keyspace-events K
      a PSUBSCRIBE news*`),
    ];

    expect(await converse(standIn, script)).toEqual(await converse(redis, script));
  });

  it('to bytes that are no command, and closes the connection', async () => {
    await using redis = await RedisServer.start();
    await using standIn = await StandInServer.start();
    for (const bytes of [
      '*x\r\n',
      '*1\r\nPING\r\n',
      '*1\r\n\r\n',
      '*1\r\n$x\r\n',
      '*1\r\n$-1\r\n',
      '*1\r\n$4294967296\r\n',
      '*2147483648\r\n',
      'PING "a\r\n',
      'x'.repeat(70_000),
      `${formatCommand(['PING'])}*x\r\n${formatCommand(['PING'])}`,
    ]) {
      const [{ text: expected }, { text }] = [
        await exchangeRaw(redis.port, bytes),
        await exchangeRaw(standIn.port, bytes),
      ];
      expect([bytes.slice(0, 50), text]).toEqual([bytes.slice(0, 50), expected]);
    }
  });

  it('to clients without a password', async () => {
    await using redis = await RedisServer.start(
      '--requirepass',
      'pw',
      '--user',
      ...'gateway on >other ~* &* +@all'.split(' '),
    );
    await using standIn = await StandInServer.start({ passwords: { default: 'pw', gateway: 'other' } });
    const script = parseLines(`a GET k
      a OTHER
      a HELLO 3
      a HELLO 3 AUTH default no
      a AUTH no
      a AUTH none pw
      a HELLO 3 AUTH default pw SETNAME name
      a CLIENT GETNAME
      a AUTH no
      a GET k
      b AUTH pw
      b GET k
      c AUTH gateway other
      c GET k`);

    expect(await converse(standIn, script)).toEqual(await converse(redis, script));
    for (const bytes of ['*11\r\n', '*1\r\n$20000\r\n']) {
      expect((await exchangeRaw(standIn.port, bytes)).text).toBe((await exchangeRaw(redis.port, bytes)).text);
    }
  });
});
