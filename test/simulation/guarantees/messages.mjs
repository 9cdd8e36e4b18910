/** G3, G4 and G12: each message of a relay as it arrives. */
export class Messages {
  #ledger;

  constructor({ ledger }) {
    this.#ledger = ledger;
  }

  /** @param direction `toService` or `toClient` @param message `{ isBinary, content }` */
  onMessage(relay, direction, message) {
    const messages = relay[direction];
    const { last } = messages;
    if (messages.arrive(message)) return;
    const { length } = message.content;
    const kind = message.isBinary ? 'binary' : 'text';
    if (messages.hasSent(message)) {
      this.#ledger.violate(
        'G12',
        `relay ${relay.id} brought a message of ${length} bytes ${direction}, which comes not behind ${last}`,
      );
      return;
    }
    const other = [...this.#ledger.relays.values()].find(
      ({ toService, toClient }) => toService.hasSent(message) || toClient.hasSent(message),
    );
    if (other) this.#ledger.violate('G3', `relay ${relay.id} brought a message of ${other.id} ${direction}`);
    else
      this.#ledger.violate(
        'G4',
        `relay ${relay.id} brought ${length} bytes of ${kind} behind message ${last} ${direction}: nobody has sent them`,
      );
  }
}
