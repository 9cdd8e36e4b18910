import { REQUEST_LINES } from '../parties/request-bytes.mjs';
import { hasLines } from './lines.mjs';

/** G2 and G4: what services get of a request. */
export class Requests {
  #ledger;

  constructor({ ledger }) {
    this.#ledger = ledger;
  }

  onHead(request, arrival, head) {
    request.requestId = head.get('x-request-id');
    if (!hasLines(head, REQUEST_LINES))
      this.#ledger.violate('G4', `${request.id} arrived with other headers`);
    this.#checkConnections(request, arrival);
  }

  #checkConnections(request, arrival) {
    const connections = new Set(request.arrivals.map(({ connection }) => connection));
    if (connections.size !== request.arrivals.length) {
      this.#ledger.violate('G2', `${request.id} came twice over ${arrival.connection}`);
    }
    if (connections.size > 1 && !request.isRetryable) {
      const all = [...connections].join(' and ');
      this.#ledger.violate('G2', `${request.method} ${request.id} was written to ${all}`);
    }
  }
}
