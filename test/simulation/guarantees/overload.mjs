/** G1 and G8: a gateway sheds the requests beyond its limit, and no others. */
export class Overload {
  #world;
  #most;

  constructor(world) {
    this.#world = world;
    this.#most = Number(world.scenario.settings?.MAX_REQUESTS_IN_FLIGHT ?? Infinity);
  }

  /** A client has a whole response. */
  onResponse(request, message) {
    if (message.get('x-gateway-error') !== 'OVERLOADED') return;
    if (request.arrivals.length > 0)
      this.#world.ledger.violate('G1', `${request.id} was shed, and reached a service`);
    if (this.#most === Infinity)
      this.#world.ledger.violate('G1', `${request.id} was shed by a gateway without load`);
  }

  watch() {
    for (const gateway of this.#world.gateways) {
      if (gateway.state !== 'up') continue;
      const { 'active requests': count } = gateway.openThings();
      if (count > this.#most)
        this.#world.ledger.violate('G8', `gateway ${gateway.number} has ${count} requests in flight`);
    }
  }
}
