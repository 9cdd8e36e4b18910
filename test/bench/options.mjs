import { parseArgs } from 'node:util';
import { SCENARIOS } from './scenarios/scenarios.mjs';
import { TARGETS } from './processes/targets.mjs';

const HELP = `npm run bench -- [options]

  --scenarios KEY,...  of ${SCENARIOS.map(({ key }) => key).join(', ')}; default: all
  --targets KEY,...    of ${TARGETS.map(({ key }) => key).join(', ')}; default: all that this machine can run
  --rounds N           timed rounds of each target, default 7
  --seconds N          of each round, default 2
  --cores PROXY,LOAD   the core of the proxy, and that of the load and the service, default 0,1
  --record             keep the result as docs/performance.json, and make the page and the charts from it; of a commit
  --profile            instead of all that: where the gateway's CPU time goes under load, and a .cpuprofile
`;

const MOST_ROUNDS = 9;
const MOST_SECONDS = 30;

/** What the command line asks for. Ends the process where it cannot be read, or asks for help. */
export function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        scenarios: { type: 'string' },
        targets: { type: 'string' },
        rounds: { type: 'string', default: '7' },
        seconds: { type: 'string', default: '2' },
        cores: { type: 'string', default: '0,1' },
        record: { type: 'boolean', default: false },
        profile: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) end(HELP, 0);
    const [proxyCore, loadCore] = values.cores.split(',').map((core) => count('cores', core, 0, 1_023));
    if (loadCore === undefined || loadCore === proxyCore) throw new Error('--cores: two different ones');
    if (values.record && (values.scenarios ?? values.targets) !== undefined) {
      throw new Error('--record: of all scenarios and targets only');
    }
    return {
      scenarios: choose('scenario', SCENARIOS, values.scenarios),
      targets: choose('target', TARGETS, values.targets),
      rounds: count('rounds', values.rounds, 1, MOST_ROUNDS),
      seconds: count('seconds', values.seconds, 1, MOST_SECONDS),
      cores: { proxy: proxyCore, load: loadCore },
      record: values.record,
      profile: values.profile,
    };
  } catch (error) {
    return end(`${error.message}\n\n${HELP}`, 2);
  }
}

function choose(noun, all, keys) {
  if (keys === undefined) return all;
  return keys.split(',').map((key) => {
    const found = all.find((one) => one.key === key);
    if (!found) throw new Error(`there is no ${noun} ${key}`);
    return found;
  });
}

function count(name, text, least, most) {
  const number = Number(text);
  if (!Number.isInteger(number) || number < least || number > most) {
    throw new Error(`--${name}: ${text} is not between ${least} and ${most}`);
  }
  return number;
}

function end(text, code) {
  process.stdout.write(text);
  process.exit(code);
}
