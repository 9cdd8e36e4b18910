import { parseArgs } from 'node:util';
import { SCENARIOS } from './scenarios/scenarios.mjs';
import { TARGETS } from './processes/targets.mjs';

const ROUNDS = 3;
const RECORDED_ROUNDS = 15;

const HELP = `npm run bench -- [options] [SCENARIO...]

  SCENARIO             of ${SCENARIOS.map(({ key }) => key).join(', ')}; default: all
  --targets KEY,...    of ${TARGETS.map(({ key }) => key).join(', ')}; default: all that this machine can run
  --rounds N           timed rounds of the figures that goals need, default ${ROUNDS}, of --record ${RECORDED_ROUNDS}; of others a quarter
  --seconds N          of each round, default 1
  --cores PROXY,LOAD   the core of the proxy, and that of the load and the service, default 0,1
  --record             keep the result as docs/performance.json, and make the page and the charts from it; of a commit
  --profile            instead of all that: print the gateway's CPU time by function under load, and keep a .cpuprofile
`;

const MOST_ROUNDS = 99;
const MOST_SECONDS = 30;

/** Reads the command line. Ends the process if it has an error, or --help. */
export function readOptions() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        targets: { type: 'string' },
        rounds: { type: 'string' },
        seconds: { type: 'string', default: '1' },
        cores: { type: 'string', default: '0,1' },
        record: { type: 'boolean', default: false },
        profile: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) end(HELP, 0);
    const [proxyCore, loadCore] = values.cores.split(',').map((core) => count('cores', core, 0, 1_023));
    if (loadCore === undefined || loadCore === proxyCore) throw new Error('--cores: two different ones');
    if (values.record && (positionals.length > 0 || values.targets !== undefined)) {
      throw new Error('--record: of all scenarios and targets only');
    }
    return {
      scenarios: choose('scenario', SCENARIOS, positionals.length > 0 ? positionals : undefined),
      targets: choose('target', TARGETS, values.targets?.split(',')),
      rounds: count('rounds', values.rounds ?? (values.record ? RECORDED_ROUNDS : ROUNDS), 1, MOST_ROUNDS),
      seconds: count('seconds', values.seconds, 1, MOST_SECONDS),
      cores: { proxy: proxyCore, load: loadCore },
      record: values.record,
      profile: values.profile,
    };
  } catch (error) {
    return end(`${error.message}\n\n${HELP}`, 2);
  }
}

function choose(noun, all, keys = all.map(({ key }) => key)) {
  return keys.map((key) => {
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
