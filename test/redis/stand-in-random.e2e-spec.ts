import { converse, type Line } from '../support/redis-conversation.js';
import { describeWithRedis, RedisServer } from '../support/redis.js';
import { SeededRandom, StandInServer } from '../support/redis-stand-in.js';

const COMMANDS = 1_500;

/** Words that commands are made of. `|` separates alternatives; of TTLs there are only long ones, which never pass. */
const TEMPLATES = [
  'SET KEY VALUE',
  'SET KEY VALUE EX TTL',
  'SET KEY VALUE PX TTL|x|0|-1 NX|XX',
  'SET KEY VALUE NX|XX|other EX TTL',
  'GET KEY',
  'GET KEY',
  'DEL KEY KEY',
  'UNLINK KEY',
  'EXISTS KEY KEY KEY',
  'EXPIRE KEY TTL|0|-5|x',
  'PEXPIRE KEY 9000000000|0',
  'PERSIST KEY',
  'TYPE KEY',
  'INCRBY KEY 1|-1|x|9223372036854775807|-9223372036854775808|01|+1',
  'RPUSH KEY VALUE VALUE',
  'SELECT 0|0|1|x|-1',
  'HELLO 2|3|3|4',
  'CONFIG SET notify-keyspace-events FLAGS',
  'CONFIG GET notify-keyspace-events|notify-*|none',
  'SUBSCRIBE CHANNEL',
  'PSUBSCRIBE PATTERN',
  'UNSUBSCRIBE CHANNEL CHANNEL',
  'PUNSUBSCRIBE PATTERN',
  'PUBLISH CHANNEL VALUE',
  'CLIENT GETNAME|other|SETNAME',
  'CLIENT SETNAME VALUE',
  'PING VALUE',
  'DBSIZE',
  'GET KEY VALUE',
];

const WORDS: Readonly<Record<string, string>> = {
  KEY: 'a|b|c|number|list',
  VALUE: '1|-17|9223372036854775807|text|é\0\r\n|',
  TTL: '9000|100000',
  FLAGS: 'KA|EA|KEA|KEAnm|K$|Eg|Kgx|KElm||q|A',
  CHANNEL: '__keyspace@0__:a|__keyspace@1__:b|__keyevent@0__:set|__keyevent@0__:del|news',
  // No channel matches two of them: in which order Redis tells of two is a matter of chance.
  PATTERN: '__keyspace@?__:[a-c]|*event@[^1]__:*|n\\ews',
};

/** Commands of three connections. Each seed gives the same in each run. */
function createScript(seed: number): Line[] {
  const random = new SeededRandom(seed);
  // The low bits of the generator repeat soon.
  const pick = <Item>(items: readonly Item[]): Item => items[(random.uint32() >>> 8) % items.length]!;
  const pickWord = (words: string): string => {
    const word = pick(words.split('|'));
    return word in WORDS ? pick(WORDS[word]!.split('|')) : word;
  };
  return Array.from({ length: COMMANDS }, () => [
    pick(['a', 'b', 'c']),
    ...pick(TEMPLATES).split(' ').map(pickWord),
  ]);
}

describeWithRedis('the stand-in for Redis and redis-server', () => {
  it.each([1, 2, 3, 4])('reply to random commands alike: seed %d', async (seed) => {
    await using redis = await RedisServer.start();
    await using standIn = await StandInServer.start();
    const script = createScript(seed);

    const expected = await converse(redis, script);

    const received = await converse(standIn, script);
    for (const name of Object.keys(expected)) {
      expect(split(received[name]!)).toEqual(split(expected[name]!));
    }
  });
});

/** The replies to each command, so that a difference shows its place. */
const split = (text: string): string[] => text.split(/(?<=after \d+\r\n)/);
