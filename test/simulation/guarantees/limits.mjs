/** Milliseconds of a window of a rate limit. */
const WINDOW_MS = 60_000;

/** G6: requests that a rate limit has admitted. */
export class Limits {
  #world;

  constructor(world) {
    this.#world = world;
  }

  checkRest() {
    const { ledger, gateways, limits } = this.#world;
    if (!limits) return;
    const { perMinute, isRedisSafe } = limits;
    const most = isRedisSafe ? perMinute : 2 * perMinute + gateways.length;
    const admitted = Map.groupBy(
      [...ledger.requests.values()].filter(
        ({ route, arrivals }) => route === '/v1/sim/limited' && arrivals.length > 0,
      ),
      ({ user }) => user,
    );
    for (const [user, requests] of admitted) {
      const times = requests.map(({ arrivals }) => arrivals[0].at).toSorted((one, other) => one - other);
      const windows = Math.floor((times.at(-1) - times[0]) / WINDOW_MS) + 1;
      if (times.length > most * windows) {
        ledger.violate(
          'G6',
          `${user} was admitted ${times.length} times in ${windows} windows, and its limit is ${perMinute}`,
        );
      }
    }
  }
}
