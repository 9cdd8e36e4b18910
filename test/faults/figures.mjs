/** A second without an error is a recovery. */
const CALM_MS = 1_000;

export function isFailed({ lost, status }) {
  return lost !== undefined || status !== 200;
}

/** The figures of a phase, from the records of its load. */
export function figuresOf({ load, measuredFrom, beganAt, endedAt }) {
  const records = load.records.filter(({ startedAt }) => startedAt >= measuredFrom);
  const failed = records.filter(isFailed);
  const latencies = records.map(({ startedAt, endedAt: at }) => at - startedAt).toSorted((a, b) => a - b);
  const at = (share) => latencies[Math.floor((latencies.length - 1) * share)] ?? 0;
  const last = Math.max(...records.map(({ endedAt: ended }) => ended));
  const from = endedAt ?? beganAt;
  return {
    requests: records.length,
    failedReads: failed.filter(({ isWrite }) => !isWrite).length,
    failedWrites: failed.filter(({ isWrite }) => isWrite).length,
    failures: failuresOf(failed),
    share: failed.length / records.length,
    p50: at(0.5),
    p99: at(0.99),
    longest: at(1),
    recoveryMs: from && recoveryMs(failed, from, last),
  };
}

/** How many of each kind: `gateway 502 UPSTREAM_DISCONNECTED`, `service 503`, `lost ECONNRESET`. */
function failuresOf(failed) {
  const kinds = {};
  for (const { lost, status, code, instance } of failed) {
    const kind = lost ? `lost ${lost}` : instance ? `service ${status}` : `gateway ${status} ${code}`;
    kinds[kind] = (kinds[kind] ?? 0) + 1;
  }
  return kinds;
}

/** From then until the first second without an error; undefined where there was none. */
function recoveryMs(failed, from, last) {
  let since = from;
  for (const { endedAt } of failed.toSorted((one, other) => one.endedAt - other.endedAt)) {
    if (endedAt < since) continue;
    if (endedAt - since >= CALM_MS) break;
    since = endedAt;
  }
  return last - since >= CALM_MS ? since - from : Infinity;
}
