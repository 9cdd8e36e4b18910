import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { STORED_SEED } from './hashes.mjs';
import { SCENARIOS } from './scenarios.mjs';

const { values } = parseArgs({
  allowNegative: true,
  options: {
    seed: { type: 'string' },
    minutes: { type: 'string' },
    plays: { type: 'string' },
    scenario: { type: 'string' },
    trace: { type: 'boolean', default: false },
    'keep-going': { type: 'boolean', default: false },
    mutant: { type: 'string' },
    'update-hashes': { type: 'boolean', default: false },
    hashes: { type: 'string', default: fileURLToPath(new URL('hashes.json', import.meta.url)) },
    story: { type: 'boolean', default: true },
  },
});

function numberOf(name) {
  const text = values[name];
  if (text !== undefined && !(Number(text) > 0)) throw new Error(`--${name} takes a number above 0`);
  return text === undefined ? undefined : Number(text);
}

if (values.scenario !== undefined && !(values.scenario in SCENARIOS)) {
  throw new Error(`--scenario is one of ${Object.keys(SCENARIOS).join()}`);
}

const [minutes, plays] = [numberOf('minutes'), numberOf('plays')];

/** What the command line says. */
export const options = {
  seed: values['update-hashes'] ? STORED_SEED : (values.seed ?? String(randomInt(1, 1_000_000))),
  /** Of real time; undefined if the number of plays counts. */
  minutes,
  /** Plays of each scenario. Default: 1, or as many as the minutes have room for. */
  plays: plays ?? (minutes === undefined ? 1 : Infinity),
  scenarios: values.scenario === undefined ? Object.keys(SCENARIOS) : [values.scenario],
  /** The fault that is planted; see `mutants/mutants.mjs`. */
  mutant: values.mutant,
  /** Whether a failing plan is made smaller and its story kept. */
  story: values.story,
  /** Whether further plays follow one that failed. */
  keepsGoing: values['keep-going'],
  /** Where the hashes of one seed are stored, and whether those of this run take their place. */
  hashes: values.hashes,
  updatesHashes: values['update-hashes'],
  /** Whether every event is printed. */
  trace: values.trace,
};
