import { isGatewayEnd } from '../kernel/network.mjs';

/** Bytes that Node may hold of one connection beside the kernel, either way. */
const MOST_BYTES = 1024 * 1024;

/** G8: memory. */
export class Memory {
  #world;

  constructor(world) {
    this.#world = world;
  }

  watch() {
    const { network, ledger } = this.#world;
    for (const socket of network.sockets) {
      if (!isGatewayEnd(socket)) continue;
      const bytes = socket.readableLength + socket.writableLength;
      if (bytes > MOST_BYTES) ledger.violate('G8', `${socket.id} holds ${bytes} bytes`);
    }
  }
}
