import { EVENTS_ROUTE } from '../parties/event-stream.mjs';
import { RESPONSE_LINES } from '../parties/responses.mjs';
import { hasLines } from './lines.mjs';

/** Milliseconds until the access line of a request is there. */
const LINE_MS = 1_000;

/** G1, G3 and G4: what clients get. */
export class Responses {
  #world;

  constructor(world) {
    this.#world = world;
  }

  onResponse(request, message) {
    const own = message.get('x-gateway-error') !== undefined || isOwn(message);
    if (own) {
      this.#checkError(request, message);
      return;
    }
    const marker = message.get('x-sim');
    if (marker !== request.id) {
      this.#violate('G3', `${request.id} got the response to ${marker}: ${message.first}`);
      return;
    }
    if (!hasLines(message, RESPONSE_LINES))
      this.#violate('G4', `the response to ${request.id} has other headers`);
    // Those of an event stream are looked at by event: see `streams.mjs`.
    if (request.route !== EVENTS_ROUTE) this.#checkBody(request, message);
  }

  #checkBody(request, { body }) {
    const { plans } = request;
    const { kind } = plans.at(-1);
    if (!plans.some((each) => each.body.subarray(0, body.length).equals(body))) {
      this.#violate('G4', `the response to ${request.id} has other bytes (${kind})`);
      return;
    }
    const isWhole = plans.some((each) => each.isWhole && each.body.length === body.length);
    if (!isWhole) this.#violate('G1', `${request.id} got a part of a response as a whole one (${kind})`);
  }

  /** Good services and a gateway that is not overloaded leave no reason for an error of the gateway. */
  #checkError(request, { status, first }) {
    const { hasGoodUpstreams, gateways, scenario } = this.#world;
    const isErrorFree = hasGoodUpstreams && gateways.length === 1 && scenario.isErrorFree;
    if (isErrorFree && status >= 500)
      this.#violate('G1', `${request.id} got ${first} from a gateway whose services are well`);
  }

  /**
   * A request that came whole is not left without a response. The access line, which comes later, says whether the gateway
   * had begun one: the network may have lost it.
   */
  onSettled(request) {
    if (request.outcome !== 'closed' || request.isHalf || request.isAbandoned) return;
    const { ledger } = this.#world;
    const life = ledger.lifeOf(request);
    const deliveredAt = request.socket.arrivedAt(request.end);
    if (deliveredAt === undefined || !life || life.isKilled || life.signalAt !== undefined) return;
    setTimeout(() => {
      const line = ledger.lines.get(request.requestId);
      if (line?.stage === 'response_body' || life.isKilled) return;
      this.#violate('G1', `${request.id} was closed without a response at ${request.settledAt}`);
    }, LINE_MS);
  }

  #violate(guarantee, text) {
    this.#world.ledger.violate(guarantee, text);
  }
}

/** Whether the gateway itself made a response: its 4xx have no header of their own. */
const isOwn = ({ get, status }) =>
  status >= 400 && get('x-sim') === undefined && get('content-security-policy') !== undefined;
