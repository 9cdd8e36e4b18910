import { RelayMessages } from './parties/relay-messages.mjs';

/**
 * What the parties of a simulation have seen. They write it as it happens; the guarantees read it, at once where a violation
 * can be seen at once, and at the end.
 */
export class Ledger {
  /** By id; see `addRequest`. */
  requests = new Map();
  /** Access lines by `X-Request-ID`, which a service or a client has seen. */
  lines = new Map();
  /** The relays of clients, by id. */
  relays = new Map();
  /** The first times when a gateway knew a revocation: `{ gateway, life, id, kind, at }`. */
  revocations = [];
  /** What Redis was told to be revoked: `{ id, kind, key, at }`. */
  redisRevocations = [];
  /** Faults of Redis: `{ name, begunAt, endsAt }`. */
  redisFaults = [];
  /**
   * The lives of gateways: `{ gateway, life, startedAt, signalAt, closedAt, endedAt, isKilled, outages }`. `outages` counts how
   * often a gateway was without Redis.
   */
  lives = [];
  /** Violations, each as `{ guarantee, text, at }`. */
  violations = [];
  #clock;
  #trace;
  #startsAt;

  constructor({ clock, trace }) {
    this.#clock = clock;
    this.#startsAt = clock.time;
    this.#trace = trace;
  }

  /** Milliseconds since the play began. */
  get now() {
    return this.#clock.time - this.#startsAt;
  }

  /**
   * A client is about to send a request.
   * @param request `{ id, client, method, route, isRetryable, bodyLength, tokenId, sessionId, network, connection }`
   */
  addRequest(request) {
    const entry = {
      ...request,
      begunAt: this.now,
      /** `bytesSent` of the connection at the end of its head and of the request. */
      headEnd: Infinity,
      end: Infinity,
      /** The connections of services that got bytes of it, each once. */
      arrivals: [],
      /** The status of its whole response. */
      status: undefined,
      settledAt: undefined,
      /** Why it has none: `cut` by the client or the network, `closed`. */
      outcome: undefined,
    };
    this.requests.set(request.id, entry);
    return entry;
  }

  addRelay(relay) {
    const entry = {
      ...relay,
      isOpen: false,
      serviceSockets: [],
      toService: new RelayMessages(`the client of ${relay.id}`),
      toClient: new RelayMessages(`the service of ${relay.id}`),
      closeCode: undefined,
      closedAt: undefined,
    };
    this.relays.set(relay.id, entry);
    return entry;
  }

  addLife(gateway, life) {
    const entry = { gateway: gateway.number, life, startedAt: this.now, isKilled: false };
    this.lives.push(entry);
    return entry;
  }

  /** The life of the gateway that a request or a relay was sent to; undefined if the gateway did not run then. */
  lifeOf({ gateway, life }) {
    return this.lives.find((each) => each.gateway === gateway && each.life === life);
  }

  addRedisRevocation(revocation) {
    this.redisRevocations.push({ ...revocation, at: this.now });
  }

  /** @param ms how long it lasts */
  addRedisFault(name, ms) {
    this.redisFaults.push({ name, begunAt: this.now, endsAt: this.now + ms });
  }

  onRevoked(gateway, id, kind) {
    const { number, life } = gateway;
    if (this.revocations.some((each) => each.gateway === number && each.life === life && each.id === id))
      return;
    this.revocations.push({ gateway: number, life, id, kind, at: this.now });
    this.#trace.note(`gateway ${number}`, `learns the revocation of ${kind} ${id}`);
  }

  /**
   * What the process of the gateway knows to be revoked: the token or the session of a request or relay.
   * @param before only what it knew by then
   */
  revocationOf({ gateway, life, tokenId, sessionId }, before = Infinity) {
    return this.revocations.find(
      (each) =>
        each.gateway === gateway &&
        each.life === life &&
        (each.id === tokenId || each.id === sessionId) &&
        each.at < before,
    );
  }

  /** A service got the first bytes of a request. */
  onArrival(id, arrival) {
    const request = this.requests.get(id);
    if (!request) {
      this.violate('G3', `a service got a request that no client has sent: ${id}`);
      return undefined;
    }
    request.arrivals.push(arrival);
    return request;
  }

  settle(request, outcome, status) {
    if (request.settledAt !== undefined) {
      this.violate('G1', `${request.id} has two outcomes: ${request.outcome}, then ${outcome}`);
      return;
    }
    Object.assign(request, { outcome, status, settledAt: this.now });
    this.#trace.note(request.id, `${outcome} ${status ?? ''}`);
  }

  onRelayLine(line) {
    const relay = [...this.relays.values()].find(({ requestId }) => requestId === line.request_id);
    if (relay) this.guarantees.onRelayLine(relay, line);
  }

  /** Notes a violation once. */
  violate(guarantee, text) {
    if (this.violations.some((each) => each.guarantee === guarantee && each.text === text)) return;
    this.violations.push({ guarantee, text, at: this.now });
    this.#trace.note('VIOLATION', `${guarantee} ${text}`);
  }

  onLine(gateway, line) {
    const life = this.lives.findLast((each) => each.gateway === gateway.number);
    if (life && line.message === 'drain: listener closed') life.closedAt ??= this.now;
    if (line.message === 'websocket closed') this.onRelayLine(line);
    if (line.message === 'request') this.lines.set(line.request_id, line);
    if (line.level === 'error' && (line.message === 'unexpected error' || line.err)) {
      this.violate('G1', `gateway ${gateway.number} logged: ${line.message} ${line.err?.stack ?? ''}`);
    }
  }
}
