import { isGatewayEnd } from '../kernel/addresses.mjs';

/** G10: all is given back. */
export class Rest {
  #world;

  constructor(world) {
    this.#world = world;
  }

  checkRest() {
    for (const gateway of this.#world.gateways) {
      if (gateway.state !== 'up') continue;
      for (const [name, count] of Object.entries(gateway.openThings())) {
        if (count !== 0) this.#violate(`gateway ${gateway.number} at rest has ${count} ${name}`);
      }
    }
  }

  checkEnd() {
    const { clock, network } = this.#world;
    if (clock.size > 0) this.#violate(`${clock.size} timers are set at the end`);
    for (const socket of network.sockets) {
      if (isGatewayEnd(socket)) this.#violate(`${socket.id} of a gateway is still open at the end`);
    }
  }

  #violate(text) {
    this.#world.ledger.violate('G10', text);
  }
}
