import { countEvents, EVENTS_ROUTE, withoutAdditions } from '../parties/event-stream.mjs';

/** Milliseconds that the head and an event may be under way: both networks, and what is joined. */
const LATE_MS = 300;

/** The shortest and longest time after which a drain tells a client to come back. */
const RETRY_MS = { least: 500, most: 3_000 };

/**
 * G1, G4, G7 and G9: event streams. Events come at once, and a stream ends with whole events, all of them, unless the session, the
 * service or the gateway has ended.
 */
export class Streams {
  #world;
  #expiry;

  constructor(world, expiry) {
    this.#world = world;
    this.#expiry = expiry;
  }

  /** Some of a stream has come, or its head alone: neither waits in the gateway for what follows. */
  onText(request, received) {
    const { events, dueMs } = request.plans.at(-1);
    const { text, isWithin } = withoutAdditions(received, events);
    if (isWithin) this.#violate('G4', `${request.id} got a word of the gateway within an event`);
    const { at: begunAt, socket } = request.arrivals.at(-1);
    // Bytes that are stalled come later.
    const isStalled = [socket, socket.otherEnd].some(({ out }) => out.stalledUntil > 0);
    request.eventsSeen ??= -1;
    const late = (what, due) => {
      if (!isStalled && this.#world.ledger.now > begunAt + due + LATE_MS)
        this.#violate(
          'G9',
          `${request.id} got ${what} at ${this.#world.ledger.now}, due at ${begunAt + due}`,
        );
    };
    if (request.eventsSeen === -1) {
      request.eventsSeen = 0;
      late('its head', 0);
    }
    const lengths = events.map((_, index) => events.slice(0, index + 1).join('').length);
    for (; text.length >= lengths[request.eventsSeen]; request.eventsSeen++)
      late(`event ${request.eventsSeen + 1}`, dueMs[request.eventsSeen]);
  }

  /** The end of a stream has come. */
  onResponse(request, { status, body }) {
    if (!isStream(request) || status !== 200) return;
    this.onText(request, body.toString());
    const { events } = request.plans.at(-1);
    const { text, retriesMs } = withoutAdditions(body.toString(), events);
    const count = countEvents(text, events);
    this.#checkRetries(request, retriesMs);
    if (count === -1) this.#violate('G4', `${request.id} ended within an event, or has other events`);
    else if (count < events.length && retriesMs.length === 0 && !this.#isExcused(request))
      this.#violate('G1', `${request.id} ended with ${count} of ${events.length} events as if it were whole`);
  }

  /** The drain alone tells a client to come back, once, after a time within its bounds. */
  #checkRetries(request, retriesMs) {
    if (retriesMs.length === 0) return;
    const isDraining = this.#world.ledger.lifeOf(request)?.signalAt !== undefined;
    const isWithinBounds = retriesMs.every((ms) => ms >= RETRY_MS.least && ms <= RETRY_MS.most);
    if (retriesMs.length > 1 || !isDraining || !isWithinBounds)
      this.#violate('G7', `${request.id} was told to come back after ${retriesMs.join()} ms`);
  }

  /** The connection of a stream may be closed before its end. */
  onSettled(request) {
    if (!isStream(request) || request.outcome !== 'closed') return;
    const { ledger, hasGoodUpstreams } = this.#world;
    const life = ledger.lifeOf(request);
    const hasLife = life && !life.isKilled && life.signalAt === undefined;
    if (hasGoodUpstreams && hasLife && !this.#isExcused(request))
      this.#violate('G1', `${request.id} was broken at ${request.settledAt}, and its service went on`);
  }

  #isExcused(request) {
    const { ledger, setsClock } = this.#world;
    return setsClock || this.#expiry.hasEnded(request) || ledger.revocationOf(request) !== undefined;
  }

  #violate(guarantee, text) {
    this.#world.ledger.violate(guarantee, text);
  }
}

/** Whether a service has responded to a request with an event stream. */
const isStream = ({ route, plans }) => route === EVENTS_ROUTE && plans !== undefined;
