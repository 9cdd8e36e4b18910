/** Milliseconds of a window of a rate limit. */
const WINDOW_MS = 60_000;

/** Faults of Redis that lose no count: commands fail at once, and keys stay. */
const LOSSLESS = new Set(['refusesWrites', 'restarts', 'isDemoted', 'losesNotifications']);

/** G6: requests that a rate limit has admitted. */
export class Limits {
  #world;

  constructor(world) {
    this.#world = world;
  }

  /** The response tells by which number its request was admitted: the limit, which Redis counts, or the gateway's share. */
  onResponse(request, message) {
    const { limits, ledger } = this.#world;
    if (!limits || !isLimited(request)) return;
    request.limit = Number(message.get('x-ratelimit-limit'));
    const isKnown = [limits.perMinute, limits.share].includes(request.limit);
    if (request.arrivals.length > 0 && !isKnown)
      ledger.violate('G6', `${request.id} was admitted by the limit ${request.limit}`);
  }

  checkRest() {
    const { ledger, limits } = this.#world;
    if (!limits) return;
    const admitted = [...ledger.requests.values()].filter(
      (each) => isLimited(each) && each.arrivals.length > 0,
    );
    for (const [user, requests] of Map.groupBy(admitted, (request) => request.user)) {
      this.#checkTotal(user, requests);
      this.#checkShared(user, requests);
      this.#checkShares(user, requests);
    }
  }

  /** All gateways together: the limit, and a share of each process if Redis was away. */
  #checkTotal(user, requests) {
    const { ledger, limits } = this.#world;
    const { perMinute, share, isRedisSafe } = limits;
    if (!ledger.redisFaults.every(({ name }) => LOSSLESS.has(name))) return;
    const most = isRedisSafe ? perMinute : perMinute + share * ledger.lives.length;
    this.#check(`${user} over all gateways`, requests, most);
  }

  /** What Redis has counted. A failover may lose counts. */
  #checkShared(user, requests) {
    const { ledger, limits } = this.#world;
    const shared = requests.filter(({ limit }) => limit === limits.perMinute);
    const failovers = ledger.redisFaults.filter(({ name }) => name === 'failsOver').length;
    this.#check(`${user} by Redis`, shared, limits.perMinute * (1 + failovers));
  }

  /** What each process has counted in memory: its share each time when it was without Redis. */
  #checkShares(user, requests) {
    const { ledger, limits } = this.#world;
    const local = requests.filter(({ limit }) => limit === limits.share);
    for (const [life, each] of Map.groupBy(local, (request) => ledger.lifeOf(request))) {
      if (life)
        this.#check(`${user} by gateway ${life.gateway} without Redis`, each, limits.share * life.outages);
    }
  }

  #check(who, requests, most) {
    if (requests.length === 0) return;
    const times = requests.map(({ arrivals }) => arrivals[0].at).toSorted((one, other) => one - other);
    const windows = Math.floor((times.at(-1) - times[0]) / WINDOW_MS) + 1;
    if (times.length > most * windows) {
      this.#world.ledger.violate(
        'G6',
        `${who} was admitted ${times.length} times in ${windows} windows, and may be ${most} times in one`,
      );
    }
  }
}

const isLimited = ({ route }) => route === '/v1/sim/limited';
