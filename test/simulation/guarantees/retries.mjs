/** Retries that the budget always has, and its share of the requests; see `RetryBudget`. */
const MIN_RETRIES = 10;
const RETRY_SHARE = 0.2;

/** Windows of the budget in a play, each with its retries that are always there. */
const WINDOWS = 3;

/** G11: retries are few. */
export class Retries {
  #world;

  constructor(world) {
    this.#world = world;
  }

  /** Counts what services saw: each arrival after the first is a retry, one is free behind a connection that had served. */
  checkRest() {
    const { ledger, gateways } = this.#world;
    for (const { number } of gateways) {
      const requests = [...ledger.requests.values()].filter(
        ({ gateway, arrivals }) => gateway === number && arrivals.length > 0,
      );
      const retries = requests.reduce((sum, { arrivals: [first, ...rest] }) => {
        return sum + Math.max(0, rest.length - (first.isReused ? 1 : 0));
      }, 0);
      if (retries > MIN_RETRIES * WINDOWS + requests.length * RETRY_SHARE) {
        ledger.violate('G11', `gateway ${number} made ${retries} retries for ${requests.length} requests`);
      }
    }
  }
}
