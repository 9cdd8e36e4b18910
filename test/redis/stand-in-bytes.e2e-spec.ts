import { createHash } from 'node:crypto';
import {
  comparable,
  converse,
  formatCommand,
  parseLines,
  type AnyServer,
  type Line,
} from '../support/redis-conversation.js';
import { RawClient } from '../support/raw-client.js';
import { describeWithRedis, RedisServer } from '../support/redis.js';
import { StandInServer } from '../support/redis-stand-in.js';

const PROBE_SCRIPT = "return redis.call('set', KEYS[1], '1', 'PX', 60000)";
const TTL_SCRIPT =
  "local ttls = {} for at, key in ipairs(ARGV) do ttls[at] = redis.call('pttl', key) end return ttls";
const TTL_SHA = createHash('sha1').update(TTL_SCRIPT).digest('hex');
const LIMIT_SCRIPT =
  "redis.call('set', KEYS[1], 0, 'EX', ARGV[2], 'NX') local consumed = redis.call('incrby', KEYS[1], ARGV[1]) " +
  "local ttl = redis.call('pttl', KEYS[1]) if ttl == -1 then redis.call('expire', KEYS[1], ARGV[2]) " +
  'ttl = 1000 * ARGV[2] end return {consumed, ttl}';

/** What both servers reply. */
async function compare(script: readonly Line[]): Promise<void> {
  await using redis = await RedisServer.start();
  await using standIn = await StandInServer.start();
  expect(await converse(standIn, script)).toEqual(await converse(redis, script));
}

describeWithRedis('the stand-in for Redis replies byte for byte as redis-server', () => {
  it.each([
    [
      'to the handshake',
      `a HELLO
       a HELLO 3
       a HELLO 4
       a HELLO x
       a HELLO 3 AUTH default any
       a HELLO 3 SETNAME name
       a HELLO 3 OTHER
       a CLIENT SETNAME gateway
       a CLIENT GETNAME
       a CLIENT SETINFO LIB-NAME ioredis
       a CLIENT
       a CLIENT KILL TYPE pubsub
       a CLIENT NO-EVICT on
       a AUTH any
       a AUTH default any
       a SELECT 3
       a SELECT 99
       a SELECT x
       a HELLO 2
       a GET none`,
    ],
    [
      'to commands of keys',
      `a SET k v
       a SET k v PX 0
       a SET k v PX x
       a SET k v EX 9223372036854775807
       a SET k v OTHER
       a SET k v NX XX
       a SET k v EX 100 PX 100
       a SET k v EX
       a SET k w EX 100 NX
       a SET k w XX
       a SET other w XX
       a SET n v EX 100 NX
       a GET k
       a GET none
       a TTL n
       a TTL k
       a TTL none
       a PTTL k
       a PTTL none
       a EXPIRE k x
       a EXPIRE k 100
       a TTL k
       a PERSIST k
       a PERSIST k
       a PEXPIRE k 100000
       a EXPIRE none 1
       a EXPIRE k 9223372036854775807
       a EXPIRE k -1
       a EXISTS k n n none
       a INCRBY i 5
       a INCRBY i -7
       a INCRBY i x
       a INCRBY i 9223372036854775807
       a INCRBY i 9223372036854775807
       a INCRBY n 1
       a RPUSH l 1 2
       a RPUSH n 1
       a GET l
       a INCRBY l 1
       a TTL l
       a TYPE l
       a TYPE n
       a TYPE none
       a DEL l none i
       a UNLINK none
       a DBSIZE
       a KEYS n*
       a KEYS [m-o]
       a KEYS ?
       a KEYS \\n
       a KEYS x*
       a SCAN 0 MATCH n*
       a SCAN 0 COUNT 0
       a SCAN 0 COUNT
       a SCAN 0 OTHER x
       a SCAN x`,
    ],
    [
      'to what it does not know',
      `a OTHER x y
       a OTHER
       a other ${'z'.repeat(200)} more
       a GET
       a GET a b
       a PING a b
       a CONFIG
       a CONFIG GET
       a CONFIG OTHER
       a CONFIG SET none x
       a CONFIG GET none
       a SCRIPT OTHER
       a SUBSCRIBE
       a EVAL
       a EVAL x 2 a
       a EVAL x -1
       a EVAL x y
       a EVALSHA abc 0
       a EVALSHA abc x
       a SCRIPT EXISTS abc`,
    ],
    [
      'to the flags of notifications',
      ['K$g', 'KEgxmn', 'AKEn', 'K$gK$g', 'KEg$lshzxetd', 'A', 'q', ''].flatMap((flags): Line[] => [
        ['a', 'CONFIG', 'SET', 'notify-keyspace-events', flags],
        ['a', 'CONFIG', 'GET', 'notify-*'],
      ]),
    ],
  ])('%s', async (_what, script) => {
    await compare(typeof script === 'string' ? parseLines(script) : script);
  });

  it.each([2, 3])('to subscriptions over RESP%d, and notifies in the same order', async (protocol) => {
    await compare(
      parseLines(`a CONFIG SET notify-keyspace-events KEAmn
        a HELLO ${protocol}
        b HELLO ${protocol}
        c HELLO 3
        b SUBSCRIBE news __keyspace@0__:k
        b SUBSCRIBE news
        b PSUBSCRIBE __key*__:* 
        b GET k
        b PING
        b PING x
        c PSUBSCRIBE __keyspace@0__:*
        c SUBSCRIBE __keyevent@0__:set
        c SET k v EX 100
        c EXPIRE k 50
        c INCRBY m 1
        c GET none
        c DEL k m none
        a PUBLISH news hello
        a PUBLISH none hello
        a SET k v PX 100000
        a SET k v
        a SET k v NX
        a GET none
        a PTTL none
        a TTL none
        a EXISTS none
        a TYPE none
        a EXPIRE none 1
        a EXPIRE k 100
        a PERSIST k
        a INCRBY m 1
        a INCRBY m x
        a RPUSH l 1
        a EXPIRE l 0
        a DEL k none
        a SELECT 1
        a SET k v
        b UNSUBSCRIBE news
        b UNSUBSCRIBE __keyspace@0__:k other
        b UNSUBSCRIBE
        b PUNSUBSCRIBE
        b PUNSUBSCRIBE
        b GET k
        a SET k w`),
    );
  });

  it('to scripts, by their text and by their hash', async () => {
    await compare([
      ['a', 'CONFIG', 'SET', 'notify-keyspace-events', 'KA'],
      ['b', 'PSUBSCRIBE', '*'],
      ['a', 'EVAL', PROBE_SCRIPT, '1', 'probe'],
      ['a', 'EVAL', TTL_SCRIPT, '0', 'none', 'other'],
      ['a', 'SCRIPT', 'LOAD', TTL_SCRIPT],
      ['a', 'EVALSHA', TTL_SHA, '0', 'probe2', 'none'],
      ['a', 'SCRIPT', 'EXISTS', TTL_SHA, 'abc'],
      ['a', 'EVALSHA', TTL_SHA.replace(/./, 'x'), '0'],
      ['a', 'SET', 'count', '5'],
      ['a', 'EVAL', LIMIT_SCRIPT, '1', 'count', '1', '60'],
      ['a', 'SET', 'count', 'x'],
      ['a', 'EVAL', LIMIT_SCRIPT, '1', 'count', '1', '60'],
      ['a', 'EVAL', LIMIT_SCRIPT, '1', 'count2', '1', 'x'],
      ['a', 'RPUSH', 'list', '1'],
      ['a', 'EVAL', LIMIT_SCRIPT, '1', 'list', '1', '60'],
      ['a', 'HELLO', '3'],
      ['a', 'EVAL', PROBE_SCRIPT, '1', 'probe'],
    ]);
  });

  it('to commands whose bytes come one by one', async () => {
    const bytes = parseLines(`a HELLO 3
      a SET k v
      a GET k
      a PING`).map(([, ...command]) => formatCommand(command));
    const all = `${bytes.join('')}PING\r\n\r\nGET "k"\r\nPING 'a b'\r\n*0\r\n*-1\r\n${formatCommand(['QUIT'])}`;
    const sendSlowly = async ({ port }: AnyServer): Promise<string> => {
      await using client = await RawClient.connect(port);
      client.socket.setNoDelay(true);
      for (const byte of all) {
        await new Promise<void>((resolve) => {
          client.socket.write(byte, () => resolve());
        });
      }
      return comparable((await client.ended()).text);
    };
    await using redis = await RedisServer.start();
    await using standIn = await StandInServer.start();

    expect(await sendSlowly(standIn)).toBe(await sendSlowly(redis));
  });
});
