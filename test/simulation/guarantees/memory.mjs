import { isGatewayEnd } from '../kernel/addresses.mjs';

/**
 * Bytes of one body or of one direction of a relay that a gateway may keep, wherever it does: what it has read less what it
 * has given to the kernel. The same for what Node keeps of one socket. The high-water marks of the product are 64 KiB, a read has 64 KiB, a message up to 200 KB.
 */
const FLOW_BYTES = 512 * 1024;

/** G8: memory. */
export class Memory {
  #world;
  /** Who keeps too much, each once. */
  #named = new Set();

  constructor(world) {
    this.#world = world;
  }

  watch() {
    const { network, ledger, gateways } = this.#world;
    for (const socket of network.sockets) {
      if (isGatewayEnd(socket))
        this.#check(`${socket.id}`, socket.readableLength + socket.writableLength, FLOW_BYTES);
    }
    for (const request of ledger.requests.values()) if (isCarried(request)) this.#checkRequest(request);
    for (const relay of ledger.relays.values()) {
      if (relay.isOpen && relay.closedAt === undefined && !relay.hasSentClose) this.#checkRelay(relay);
    }
    for (const gateway of gateways.filter(({ state }) => state === 'up')) {
      // Both directions; one that is closing is none of the list any more.
      const most = 2 * FLOW_BYTES * (1 + gateway.get('Relays').size);
      this.#check(`gateway ${gateway.number} for its relays`, gateway.get('ByteBudget').bytes, most);
    }
  }

  #checkRequest({ id, socket, arrivals, start, responseStart }) {
    const client = socket.otherEnd;
    const arrival = arrivals.at(-1);
    const upstream = arrival?.socket.otherEnd;
    const uploaded = upstream ? upstream.out.bytesSent - arrival.start : 0;
    const downloaded = client.out.bytesSent - responseStart;
    // Behind a response that came early, the gateway may discard what is left of the body.
    if (downloaded === 0)
      this.#check(`a gateway for the body of ${id}`, client.bytesRead - start - uploaded, FLOW_BYTES);
    if (!upstream) return;
    // What comes behind is the response to another request.
    const { responseStart: from, responseEnd = Infinity } = arrival;
    const bytes = Math.min(upstream.bytesRead, responseEnd) - from - downloaded;
    this.#check(`a gateway for the response to ${id}`, bytes, FLOW_BYTES);
  }

  /** A gateway that closes a relay discards what still comes. One that has resumed has lost messages of its former connection. */
  #checkRelay(relay) {
    const { ledger, hasGoodUpstreams } = this.#world;
    const { id, socket, serviceSockets } = relay;
    const isClosing = ledger.lifeOf(relay)?.signalAt !== undefined;
    if (!hasGoodUpstreams || isClosing || serviceSockets.length !== 1) return;
    const client = socket.otherEnd;
    const upstream = serviceSockets[0].otherEnd;
    const toService = client.bytesRead - upstream.out.bytesSent;
    this.#check(`a gateway for the client's messages of ${id}`, toService, FLOW_BYTES);
    const toClient = upstream.bytesRead - client.out.bytesSent;
    this.#check(`a gateway for the service's messages of ${id}`, toClient, FLOW_BYTES);
  }

  #check(who, bytes, most) {
    if (bytes <= most || this.#named.has(who)) return;
    this.#named.add(who);
    this.#world.ledger.violate('G8', `${who} keeps ${bytes} bytes, more than ${most}`);
  }
}

/** Whether a gateway carries a request, and its connection has no other that is open. */
function isCarried({ start, settledAt, socket, isAlone }) {
  return start !== undefined && settledAt === undefined && isAlone && socket.otherEnd !== undefined;
}
