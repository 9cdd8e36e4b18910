import type { Redis } from 'ioredis';
import { describeWithRedis } from '../support/redis.js';
import { StackRedis } from '../support/stack-redis.js';

/** All that each user may do; `auth`, `hello`, `quit` and `reset` are for everybody who connects. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  gateway: split('client|setname eval evalsha expire incrby ping psubscribe pttl scan set subscribe'),
  auth: split('set'),
  exporter: split(
    'client|setname config|get info latency|histogram latency|latest ping slowlog|get slowlog|len',
  ),
  health: split('ping'),
};

function split(text: string): string[] {
  return text.split(' ');
}

/** By the user's rights, which a script's errors say in words; modules cannot be loaded by anybody. */
const REFUSALS = /NOPERM|^ERR The user executing the script can't |^ERR MODULE command not allowed/;

/** The error of a reply, or `OK`. */
async function outcome(redis: Redis, [command, ...args]: readonly string[]): Promise<string> {
  try {
    await redis.call(command!, args);
    return 'OK';
  } catch (error) {
    return (error as Error).message;
  }
}

interface Command {
  readonly name: string;
  readonly arity: number;
  readonly isForAll: boolean;
}

/** Every command and subcommand that the server has. */
async function commandsOf(redis: Redis): Promise<Command[]> {
  type Info = [name: string, arity: number, flags: string[], ...unknown[]];
  const infos = (await redis.call('COMMAND')) as Info[];
  return infos.flatMap(([name, arity, flags, ...more]) => {
    const subcommands = more.at(-1) as Info[];
    const all = subcommands.length > 0 ? subcommands : [[name, arity, flags] as Info];
    return all.map((info) => ({
      name: info[0].toLowerCase(),
      arity: info[1],
      isForAll: info[2].includes('no_auth'),
    }));
  });
}

describeWithRedis('with the users of the stack, Redis refuses', () => {
  it.each(Object.entries(COMMANDS))(
    '%s every command but its own',
    async (user, own) => {
      await using redis = await StackRedis.start();
      const client = await redis.clientOf(user);
      const commands = await commandsOf(await redis.clientOf('operator'));

      const foreign = commands.filter(({ name, isForAll }) => !isForAll && !own.includes(name));
      const passed: string[] = [];
      for (const { name, arity } of foreign) {
        const words = name.split('|');
        const missing = Array<string>(Math.max(0, Math.abs(arity) - words.length)).fill('1');
        if (!REFUSALS.test(await outcome(client, [...words, ...missing]))) passed.push(name);
      }

      expect(foreign.length).toBeGreaterThan(300);
      expect(passed).toEqual([]);
    },
    30_000,
  );

  it.each([
    ['gateway', 'SET blacklist:1 revoked'],
    ['gateway', 'EXPIRE blacklist:1 1'],
    ['gateway', 'EVAL return(redis.call("del",ARGV[1])) 0 blacklist:1'],
    ['gateway', 'EVAL return(redis.call("set",ARGV[1],1)) 0 blacklist:1'],
    ['gateway', 'EVAL return(redis.call("pttl",ARGV[1])) 0 session:1'],
    ['gateway', 'PTTL session:1'],
    ['gateway', 'SET session:1 x'],
    ['gateway', 'SET user:sessions:1 x'],
    ['gateway', 'SUBSCRIBE chat:1'],
    ['gateway', 'SUBSCRIBE __keyspace@0__:session:1'],
    ['gateway', 'PSUBSCRIBE *'],
    ['gateway', 'PSUBSCRIBE call:*'],
    ['auth', 'SET gateway:ratelimit:default:1 0'],
    ['auth', 'SET session:1 x'],
    ['auth', 'SET blacklist:1 x GET'],
  ])('%s %s', async (user, command) => {
    await using redis = await StackRedis.start();
    const client = await redis.clientOf(user);

    expect(await outcome(client, command.split(' '))).toMatch(REFUSALS);
    expect(await (await redis.clientOf('operator')).acl('LOG')).toMatchObject([
      expect.arrayContaining(['username', user]),
    ]);
  });

  it('whoever does not say who it is', async () => {
    await using redis = await StackRedis.start();
    const nobody = await redis.server.client({ enableReadyCheck: false, protocol: 2 });

    for (const command of ['PING', 'GET a', 'SET blacklist:1 x', 'ACL WHOAMI', 'FLUSHALL']) {
      expect(await outcome(nobody, command.split(' '))).toMatch(/^NOAUTH /);
    }
    for (const name of ['default', 'gateway', 'operator']) {
      expect(await outcome(nobody, ['AUTH', name, ''])).toMatch(/^WRONGPASS /);
    }
  });
});
