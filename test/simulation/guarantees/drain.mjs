/** Milliseconds that a process has to end beside its shutdown delay and its drain. */
const END_MS = 2_000;

/** G7: the drain. */
export class Drain {
  #world;

  constructor(world) {
    this.#world = world;
  }

  /** A request that had come whole before the listener closed is not lost without a response before the deadline. */
  onSettled(request) {
    if (request.outcome !== 'closed' || request.isAbandoned) return;
    const { ledger, drainTimeoutMs, hasGoodUpstreams } = this.#world;
    const deliveredAt = request.socket.arrivedAt(request.end);
    const life = ledger.lifeOf(request);
    if (!life?.closedAt || life.isKilled || deliveredAt === undefined || deliveredAt >= life.closedAt) return;
    const deadline = life.closedAt + drainTimeoutMs;
    if (request.settledAt < deadline && (!request.isHalf || hasGoodUpstreams)) {
      this.#violate(
        `${request.id} came at ${deliveredAt} and was closed without a response at ${request.settledAt}`,
      );
    }
  }

  onRelayClosed(relay) {
    const { ledger, scenario } = this.#world;
    const isDraining = relay.closedAt >= ledger.lifeOf(relay)?.closedAt;
    if (scenario.isGood && relay.isClosedByGateway && isDraining && relay.closeCode !== 1012) {
      this.#violate(`relay ${relay.id} was closed with ${relay.closeCode} in the drain`);
    }
  }

  checkEnd() {
    for (const life of this.#world.ledger.lives) this.#checkLife(life);
  }

  #checkLife(life) {
    const { shutdownDelayMs, drainTimeoutMs } = this.#world;
    if (life.signalAt === undefined || life.isKilled) return;
    const most = life.signalAt + shutdownDelayMs + drainTimeoutMs + END_MS;
    if (life.endedAt === undefined) this.#violate(`gateway ${life.gateway} has not ended`);
    else if (life.endedAt > most)
      this.#violate(`gateway ${life.gateway} ended at ${life.endedAt}, later than ${most}`);
  }

  #violate(text) {
    this.#world.ledger.violate('G7', text);
  }
}
