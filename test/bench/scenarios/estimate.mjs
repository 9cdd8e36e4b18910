import { contendersOf, isPlayed, WARM_UP_SECONDS } from './play.mjs';

/** Until a process listens, and was asked once. */
const START_SECONDS = 0.7;
/** Of a turn, before and after what is timed. */
const BESIDES_SECONDS = 0.15;

/**
 * Seconds that a run takes on two quiet cores. Scenarios say what they need else: `onceSeconds` before all,
 * `contenderSeconds` for each process instead of a warm-up, `besidesSeconds` for each turn.
 */
export function estimateSeconds(bench) {
  return bench.scenarios.reduce((sum, scenario) => sum + secondsOf(bench, scenario), 0);
}

function secondsOf(bench, scenario) {
  const { keys = [scenario.key], isFresh, onceSeconds = 0, besidesSeconds = BESIDES_SECONDS } = scenario;
  const { contenderSeconds = isFresh ? 0 : WARM_UP_SECONDS, shareOfSeconds = 1 } = scenario;
  const contenders = contendersOf(bench, scenario);
  const rounds = Array.from({ length: bench.rounds }, (_, round) => round);
  const turns = contenders.flatMap((one) =>
    keys.flatMap((key) => rounds.filter((round) => isPlayed(key, one, round))),
  ).length;
  const ofTurn =
    (isFresh ? 0 : bench.seconds * shareOfSeconds) + besidesSeconds + (isFresh ? START_SECONDS : 0);
  return onceSeconds + contenders.length * (START_SECONDS + contenderSeconds) + turns * ofTurn;
}
