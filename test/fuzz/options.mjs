import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { SCENARIOS } from './scenarios.mjs';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    batches: { type: 'string' },
    seed: { type: 'string', multiple: true, default: [] },
    seeds: { type: 'string', default: '' },
    scenario: { type: 'string' },
    from: { type: 'string', default: '1' },
    connections: { type: 'string' },
    'keep-going': { type: 'boolean', default: false },
  },
});

function numberOf(name) {
  const text = values[name];
  if (text === undefined) return undefined;
  if (!(Number(text) > 0)) throw new Error(`--${name} takes a number above 0`);
  return Number(text);
}

const seeds = [...values.seed, ...values.seeds.split(',')].filter((seed) => seed !== '');
if (values.scenario !== undefined && !(values.scenario in SCENARIOS)) {
  throw new Error(`--scenario is one of ${Object.keys(SCENARIOS).join()}`);
}
const batches = numberOf('batches');

/** What the command line says. */
export const options = {
  /** Each has a system of its own, and its share of the time. */
  seeds: seeds.length > 0 ? seeds : [String(randomInt(1, 1_000_000))],
  minutes: numberOf('minutes') ?? (batches === undefined ? 1 : Infinity),
  batches: batches ?? Infinity,
  /** The only scenario; by default the batches play all of them in turn. */
  scenario: values.scenario,
  /** The first batch. */
  from: numberOf('from'),
  /** The only clients of each batch, by number; by default all. */
  connections: values.connections?.split(',').map(Number),
  /** Whether another system takes over after a batch that failed. */
  keepsGoing: values['keep-going'],
};
