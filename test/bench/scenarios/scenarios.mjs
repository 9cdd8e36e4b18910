import { CLOSED_LOOPS } from './closed-loops.mjs';
import { GROWTH } from './growth.mjs';
import { STREAMS } from './streams.mjs';
import { TAILS } from './tails.mjs';

/**
 * What is asked of the targets that speak what a scenario `speaks`, or of those that it names with `of`. `needs` programs of
 * this machine, without which it is left out, and `descriptors` that each process may open.
 *
 * `validate` throws unless one exchange had the right bytes; `round` is timed, and returns figures by the `unit`. With
 * `isFresh`, each round has a process of its own, which can be told to collect its garbage. With `steps`, each target has a
 * process for each step, with the `env` of the step; `setUp` makes what all of them need, and `prepare` what one needs, each
 * with an `end`. `plan` warms the targets up, and returns the parts that are played by the same processes.
 */
export const SCENARIOS = [...CLOSED_LOOPS, ...STREAMS, ...TAILS, ...GROWTH];
