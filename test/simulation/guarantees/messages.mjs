import { SLOW_PER_SECOND } from '../product.mjs';

/** Messages of the time between the opening at the gateway and at the client. */
const SLACK_MESSAGES = 8;

/** G3, G4 and G12: each message of a relay as it arrives. */
export class Messages {
  #ledger;

  constructor({ ledger }) {
    this.#ledger = ledger;
  }

  /** A slowed client has passed no more than its rate, and twice as much at once. */
  #checkRate({ id, route, openedAt, toService }) {
    if (route !== '/v1/sim/socket' || openedAt === undefined) return;
    const elapsed = (this.#ledger.now - openedAt) / 1_000;
    const most = 2 * SLOW_PER_SECOND + elapsed * SLOW_PER_SECOND + SLACK_MESSAGES;
    if (toService.arrived < most) return;
    this.#ledger.violate('G12', `relay ${id} passed ${toService.arrived + 1} messages in ${elapsed} s`);
  }

  /** @param direction `toService` or `toClient` @param message `{ isBinary, content }` */
  onMessage(relay, direction, message) {
    if (direction === 'toService') this.#checkRate(relay);
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
