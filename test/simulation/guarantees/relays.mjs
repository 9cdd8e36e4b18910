/** Milliseconds until a service has what a relay has sent it. */
const DELIVERY_MS = 3_000;

/** G12: messages of a relay. */
export class Relays {
  #world;

  constructor(world) {
    this.#world = world;
  }

  /** A relay's connection is gone: not without a close frame, unless the client or the network has cut it. */
  onClosed(relay) {
    const life = this.#world.ledger.lifeOf(relay);
    setTimeout(() => this.#checkDelivered(relay, life), DELIVERY_MS);
    const isExcused = relay.isCut || relay.hasSentClose || relay.silentAt !== undefined || life?.isKilled;
    if (relay.isOpen && relay.closeCode === undefined && !isExcused) {
      this.#violate(`relay ${relay.id} ended at ${relay.closedAt} without a close frame`);
    }
  }

  /** A client that is too fast is not closed for it. With `resume`, no message is lost that was not counted. */
  onLine(relay, line) {
    relay.line = line;
    if (line.code === 1008 && line.closed_by === 'gateway') this.#violate(`relay ${relay.id} was too fast`);
    // An end that reads nothing has two seconds until the gateway gives the closing handshake up.
    if (!relay.route.endsWith('resuming') || relay.hasPaused) return;
    setTimeout(() => {
      const lost = line.messages_in - relay.toService.arrived;
      const { messages_lost: counted, messages_unacknowledged: unacknowledged } = line;
      if (lost > counted + unacknowledged) {
        this.#violate(
          `relay ${relay.id} lost ${lost} messages, and counted ${counted} and ${unacknowledged}`,
        );
      }
    }, DELIVERY_MS);
  }

  /** A relay that its client closed, between good ends, has lost nothing in either direction. */
  #checkDelivered(relay, life) {
    const isQuiet = this.#world.hasGoodUpstreams && relay.closeCode === 1000 && !relay.isClosedByGateway;
    // One that reads nothing has two seconds until the gateway gives the closing handshake up.
    if (!isQuiet || relay.isCut || relay.hasPaused || life?.signalAt !== undefined) return;
    const { toService, toClient } = relay;
    if (toService.arrived !== toService.sent.length)
      this.#violate(`relay ${relay.id} brought ${toService.arrived} of ${toService.sent.length} messages`);
    if (toClient.arrived !== toClient.last)
      this.#violate(
        `relay ${relay.id} brought ${toClient.arrived} of ${toClient.last} messages of its service`,
      );
  }

  #violate(text) {
    this.#world.ledger.violate('G12', text);
  }
}
