import { createTargetRuns, hasTurn, WARM_UP_SECONDS } from './run-scenario.mjs';

/** From the start of a process until it listens and has had one request. */
const START_SECONDS = 0.7;
/** Before and after the round of a turn. */
const TURN_OVERHEAD_SECONDS = 0.15;

/** Seconds that a run takes on two quiet cores, by the estimates of its scenarios. */
export function estimateSeconds(bench) {
  return bench.scenarios.reduce((sum, scenario) => sum + secondsOf(bench, scenario), 0);
}

function secondsOf(bench, scenario) {
  const { key, isFresh = false, partKeys = [key], setUpSeconds = 0, shareOfSeconds = 1 } = scenario;
  const { warmUpSeconds = isFresh ? 0 : WARM_UP_SECONDS } = scenario;
  const { turnOverheadSeconds = TURN_OVERHEAD_SECONDS } = scenario;
  const runs = createTargetRuns(bench, scenario);
  const rounds = Array.from({ length: bench.rounds }, (_, round) => round);
  const turns = runs.flatMap((run) =>
    partKeys.flatMap((partKey) => rounds.filter((round) => hasTurn(partKey, run, round))),
  ).length;
  const roundSeconds = isFresh ? START_SECONDS : bench.seconds * shareOfSeconds;
  return (
    setUpSeconds +
    runs.length * (START_SECONDS + warmUpSeconds) +
    turns * (roundSeconds + turnOverheadSeconds)
  );
}
