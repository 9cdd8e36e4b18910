import { Redis } from 'ioredis';
import { startRedis } from '../../faults/children.mjs';
import { HOST } from '../../faults/gateway.mjs';
import { freePort } from '../../support/free-port.mjs';
import { pinned } from '../processes/pinned.mjs';

/** Keys of one script, so few that Redis still serves other clients. */
const AT_ONCE = 20_000;

/** Writes keys as the service that ends sessions does. */
const FILL = `for at = ARGV[1], ARGV[2] do
  redis.call('set', 'blacklist:' .. string.format('0b5e91c7-3f7a-4c0e-9a51-%012d', at), '1', 'PX', 7200000)
end`;

/** A Redis on one core with a database for each of these numbers of revoked tokens. */
export async function startRevocations(core, counts) {
  const port = await freePort();
  const { child } = await startRedis(port, (command) => pinned(core, command));
  for (const [db, count] of counts.entries()) {
    const client = new Redis({ host: HOST, port, db });
    for (let first = 1; first <= count; first += AT_ONCE) {
      await client.eval(FILL, 0, first, Math.min(count, first + AT_ONCE - 1));
    }
    client.disconnect();
  }
  return {
    urlOf: (count) => `redis://${HOST}:${port}/${counts.indexOf(count)}`,
    end: () => child.kill('SIGKILL'),
  };
}
