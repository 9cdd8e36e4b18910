import { CLOSED_LOOPS } from './closed-loops.mjs';
import { GROWTH } from './growth.mjs';
import { STREAMS } from './streams.mjs';
import { TAILS } from './tails.mjs';

/**
 * A load, and the targets that it is for. All targets run side by side and take turns; a turn is one timed round of one target.
 *
 * @typedef Scenario
 * @property {string} key its name on the command line, in the result and in goals
 * @property {string} title its name on the page
 * @property {string} [unit] the noun of one operation; a scenario with `plan` gives it to its parts
 * @property {'http' | 'websocket'} protocol that the targets must forward; the port of the service depends on it
 * @property {string[]} [targets] keys of the targets; default: all with this protocol
 * @property {Record<string, (target: object) => object>} [variants] changes of a target, by its key
 * @property {string[]} [needs] programs of the machine; without one of them the scenario is left out
 * @property {number} [descriptors] files that each process must be able to open; default 0
 * @property {boolean} [isFresh] whether each round has a process of its own, with the commands of probe.mjs; default false
 * @property {number[]} [steps] values of what grows; each target has a process for each step
 * @property {(step: number) => string} [formatStep] the label of a step
 * @property {(bench: object, steps: number[]) => Promise<object>} [setUp] makes the context that all steps share; if the
 *   context has a method `end`, it is called after the last round
 * @property {(step: number, bench: object, context: object) => Record<string, string>} [env] variables of a step's process
 * @property {(bench: object, proxy: TargetProcess, step?: number) => Promise<void>} validate throws unless one exchange has the
 *   right bytes on both ends
 * @property {(bench: object, proxy: TargetProcess, step: number) => Promise<{ end: () => Promise<void> }>} [prepare] prepares
 *   one process of a step; `end` is called after the last round
 * @property {(bench: object, proxies: TargetProcess[]) => Promise<Part[]>} [plan] warms all targets up and returns the parts;
 *   default: a warm-up by `round`, and the scenario as its only part
 * @property {(bench: object, proxy: TargetProcess, seconds: number, at: { step?: number, context?: object }) => Promise<object>}
 *   [round] one timed round; returns figures by their names in figures.mjs
 * @property {number} [shareOfSeconds] length of a round, as a share of `--seconds`; default 1
 * @property {string[]} [partKeys] keys of the parts that `plan` returns, for the estimate
 * @property {number} [setUpSeconds] estimated seconds of `setUp` and `prepare`; default 0
 * @property {number} [warmUpSeconds] estimated seconds of the warm-up of each process; default: 2, 0 if it `isFresh`
 * @property {number} [turnOverheadSeconds] estimated seconds of each turn before and after its round; default 0.15
 */

/**
 * A part of a scenario, with figures of its own; the processes of the scenario serve all its parts.
 *
 * @typedef Part
 * @property {string} key its name in the result and in goals
 * @property {string} title its name on the page
 * @property {string} unit the noun of one operation
 * @property {Record<string, number>} [labels] further fields of the result
 * @property {Function} round as of a scenario
 */

/** @type {Scenario[]} */
export const SCENARIOS = [...CLOSED_LOOPS, ...STREAMS, ...TAILS, ...GROWTH];
