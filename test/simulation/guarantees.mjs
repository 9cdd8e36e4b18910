import { isGatewayEnd } from './kernel/network.mjs';
import { REQUEST_LINES } from './parties/client.mjs';
import { RESPONSE_LINES, responseBodyOf } from './parties/responses.mjs';

/** Milliseconds after which a relay or an event stream of a revoked session must be closed. */
const REVOCATION_MS = 2_500;

/** Retries that the budget always has, and its share of the requests; see `RetryBudget`. */
const MIN_RETRIES = 10;
const RETRY_SHARE = 0.2;

/** Windows of the budget in a play, each with its retries that are always there. */
const WINDOWS = 3;

/** Milliseconds of a window of a rate limit. */
const WINDOW_MS = 60_000;

/** Bytes that Node may hold of one connection beside the kernel, either way. */
const MOST_BYTES = 1024 * 1024;

/** Milliseconds until the access line of a request is there. */
const LINE_MS = 1_000;

/** Milliseconds that a process has to end beside its shutdown delay and its drain. */
const END_MS = 2_000;

/** Checks the guarantees of `docs/guarantees.md` against what the ledger has. */
export class Guarantees {
  #world;

  constructor(world) {
    this.#world = world;
  }

  /** A service has the head of a request. */
  onHead(request, arrival, head) {
    if (!request) return;
    request.requestId = head.get('x-request-id');
    if (!hasLines(head, REQUEST_LINES)) this.#violate('G4', `${request.id} arrived with other headers`);
    this.#checkRepeats(request, arrival);
    this.#checkRevoked(request);
  }

  /** A client has a whole response. */
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
    const body = responseBodyOf(request.id, message.body.length);
    if (!message.body.equals(body)) {
      this.#violate('G4', `the response to ${request.id} has other bytes (${request.plans.at(-1).kind})`);
    } else if (!request.plans.some((each) => each.isWhole && each.body.length === message.body.length)) {
      this.#violate(
        'G1',
        `${request.id} got a part of a response as a whole one (${request.plans.at(-1).kind})`,
      );
    }
  }

  /** Good services and a gateway that is not overloaded leave no reason for an error of the gateway. */
  #checkError(request, { status, first }) {
    const { hasGoodUpstreams, gateways, scenario } = this.#world;
    const isCalm = hasGoodUpstreams && gateways.length === 1 && scenario.isCalm;
    if (isCalm && status >= 500)
      this.#violate('G1', `${request.id} got ${first} from a gateway whose services are well`);
  }

  onSettled(request) {
    this.#checkAnswered(request);
    this.#checkDrain(request);
  }

  /** Looks at what can be seen at any moment. */
  watch() {
    for (const socket of this.#world.network.sockets) {
      if (!isGatewayEnd(socket)) continue;
      const bytes = socket.readableLength + socket.writableLength;
      if (bytes > MOST_BYTES) this.#violate('G8', `${socket.id} holds ${bytes} bytes`);
    }
    for (const relay of this.#world.ledger.relays.values()) this.#checkRevokedRelay(relay);
  }

  /** All clients have their outcomes, and the gateways are at rest. */
  checkRest() {
    for (const gateway of this.#world.gateways) {
      if (gateway.state !== 'up') continue;
      const left = gateway.openThings();
      for (const [name, count] of Object.entries(left)) {
        if (count !== 0) this.#violate('G10', `gateway ${gateway.number} at rest has ${count} ${name}`);
      }
    }
    this.#checkBudget();
    this.#checkLimits();
  }

  /** Every gateway knows every revocation that Redis has. */
  async checkRevocations() {
    const { redis, gateways, sessions } = this.#world;
    if (!redis) return;
    for (const gateway of gateways.filter(({ state }) => state === 'up')) {
      for (const { tokenId, sessionId } of sessions) {
        const [isToken, isSession] = [
          redis.get(`blacklist:${tokenId}`),
          redis.get(`blacklist:session:${sessionId}`),
        ];
        if (isToken && !(await gateway.isRevoked(tokenId, 'token')))
          this.#violate('G5', `gateway ${gateway.number} does not know that ${tokenId} is revoked`);
        if (isSession && !(await gateway.isRevoked(sessionId, 'session')))
          this.#violate('G5', `gateway ${gateway.number} does not know that ${sessionId} is revoked`);
      }
    }
  }

  /** All gateways have ended. */
  checkEnd() {
    for (const life of this.#world.ledger.lives) this.#checkLife(life);
    const { clock } = this.#world;
    if (clock.size > 0) this.#violate('G10', `${clock.size} timers are set at the end`);
    for (const socket of this.#world.network.sockets) {
      if (isGatewayEnd(socket)) this.#violate('G10', `${socket.id} of a gateway is still open at the end`);
    }
  }

  #checkRepeats(request, arrival) {
    const connections = new Set(request.arrivals.map(({ connection }) => connection));
    if (connections.size !== request.arrivals.length) {
      this.#violate('G2', `${request.id} came twice over ${arrival.connection}`);
    }
    if (connections.size > 1 && !request.mayRepeat) {
      this.#violate('G2', `${request.method} ${request.id} was written to ${[...connections].join(' and ')}`);
    }
  }

  #checkRevoked(request) {
    if (!request.isPrivate) return;
    const { ledger } = this.#world;
    const deliveredAt = request.socket.arrivedAt(request.headEnd);
    const heard = ledger.revocationOf(request, deliveredAt);
    if (heard)
      this.#violate(
        'G5',
        `${request.id} came at ${deliveredAt}, after its ${heard.kind} was revoked at ${heard.at}`,
      );
  }

  #checkRevokedRelay(relay) {
    if (relay.closedAt !== undefined || !relay.isOpen) return;
    const { ledger } = this.#world;
    const heard = ledger.revocationOf(relay);
    if (heard && ledger.now - Math.max(heard.at, relay.openedAt) > REVOCATION_MS) {
      this.#violate(
        'G5',
        `relay ${relay.id} is open at ${ledger.now}, and its ${heard.kind} was revoked at ${heard.at}`,
      );
    }
  }

  /** A relay's connection is gone: not without a close frame, unless the client or the network has cut it. */
  onRelayClosed(relay) {
    const { ledger, scenario } = this.#world;
    const life = ledger.lives.find(
      ({ gateway, life: number }) => gateway === relay.gateway && number === relay.life,
    );
    if (
      scenario.isGood &&
      relay.isClosedByGateway &&
      relay.closedAt >= life?.closedAt &&
      relay.closeCode !== 1012
    ) {
      this.#violate('G7', `relay ${relay.id} was closed with ${relay.closeCode} in the drain`);
    }
    this.#checkDelivered(relay, life);
    const isExcused = relay.isCut || relay.hasSentClose || life?.isKilled;
    if (relay.isOpen && relay.closeCode === undefined && !isExcused) {
      this.#violate('G12', `relay ${relay.id} ended at ${relay.closedAt} without a close frame`);
    }
  }

  /** A relay that its client closed, between good ends, has lost nothing in either direction. */
  #checkDelivered(relay, life) {
    const isQuiet = this.#world.hasGoodUpstreams && relay.closeCode === 1000 && !relay.isClosedByGateway;
    if (!isQuiet || relay.isCut || life?.signalAt !== undefined) return;
    if (relay.delivered !== relay.sent)
      this.#violate('G12', `relay ${relay.id} brought ${relay.delivered} of ${relay.sent} messages`);
    if (relay.received !== relay.lastReceived)
      this.#violate('G12', `relay ${relay.id} lost messages of its service`);
  }

  /** A gateway has logged the end of a relay. */
  onRelayLine(relay, line) {
    relay.line = line;
    if (!relay.route.endsWith('resuming')) return;
    const missing = line.messages_in - relay.delivered;
    setTimeout(() => {
      const lost = line.messages_in - relay.delivered;
      if (lost > line.messages_lost + line.messages_unacknowledged) {
        this.#violate(
          'G12',
          `relay ${relay.id} lost ${lost} messages (${missing}), and counted ${line.messages_lost} and ${line.messages_unacknowledged}`,
        );
      }
    }, 3_000);
  }

  /** A service has the handshake of a relay. */
  onHandshake(relay) {
    if (!relay) return;
    const heard = this.#world.ledger.revocationOf(relay, relay.deliveredAt());
    if (heard) this.#violate('G5', `relay ${relay.id} was opened after its ${heard.kind} was revoked`);
  }

  /**
   * A request that came whole is not left without a response. The access line, which comes later, says whether the gateway
   * had begun one: the network may have lost it.
   */
  #checkAnswered(request) {
    if (request.outcome !== 'closed' || request.isHalf || request.isAbandoned) return;
    const life = this.#lifeOf(request);
    const deliveredAt = request.socket.arrivedAt(request.end);
    if (deliveredAt === undefined || !life || life.isKilled || life.signalAt !== undefined) return;
    setTimeout(() => {
      const line = this.#world.ledger.lines.get(request.requestId);
      if (line?.stage === 'response_body' || life.isKilled) return;
      this.#violate('G1', `${request.id} was closed without a response at ${request.settledAt}`);
    }, LINE_MS);
  }

  #lifeOf(request) {
    return this.#world.ledger.lives.find(
      ({ gateway, startedAt, endedAt = Infinity }) =>
        gateway === request.gateway && startedAt <= request.begunAt && request.begunAt <= endedAt,
    );
  }

  /** A request that had come whole before the listener closed is not lost without a response before the deadline. */
  #checkDrain(request) {
    if (request.outcome !== 'closed' || request.isAbandoned) return;
    const deliveredAt = request.socket.arrivedAt(request.end);
    const life = this.#lifeOf(request);
    if (!life?.closedAt || life.isKilled || deliveredAt === undefined || deliveredAt >= life.closedAt) return;
    const deadline = life.closedAt + this.#world.drainTimeoutMs;
    if (request.settledAt < deadline && (!request.isHalf || this.#world.hasGoodUpstreams)) {
      this.#violate(
        'G7',
        `${request.id} came at ${deliveredAt} and was closed without a response at ${request.settledAt}`,
      );
    }
  }

  #checkLife(life) {
    const { shutdownDelayMs, drainTimeoutMs } = this.#world;
    if (life.signalAt === undefined || life.isKilled) return;
    const most = life.signalAt + shutdownDelayMs + drainTimeoutMs + END_MS;
    if (life.endedAt === undefined) this.#violate('G7', `gateway ${life.gateway} has not ended`);
    else if (life.endedAt > most)
      this.#violate('G7', `gateway ${life.gateway} ended at ${life.endedAt}, later than ${most}`);
  }

  /** Counts what services saw: each arrival after the first is a retry, one is free behind a connection that had served. */
  #checkBudget() {
    const { ledger, gateways } = this.#world;
    for (const { number } of gateways) {
      const requests = [...ledger.requests.values()].filter(
        ({ gateway, arrivals }) => gateway === number && arrivals.length > 0,
      );
      const retries = requests.reduce((sum, { arrivals: [first, ...rest] }) => {
        return sum + Math.max(0, rest.length - (first.isReused ? 1 : 0));
      }, 0);
      if (retries > MIN_RETRIES * WINDOWS + requests.length * RETRY_SHARE) {
        this.#violate('G11', `gateway ${number} made ${retries} retries for ${requests.length} requests`);
      }
    }
  }

  #checkLimits() {
    const { ledger, gateways, limits } = this.#world;
    if (!limits) return;
    const { perMinute, isRedisSafe } = limits;
    const most = isRedisSafe ? perMinute : 2 * perMinute + gateways.length;
    const admitted = Map.groupBy(
      [...ledger.requests.values()].filter(
        ({ route, arrivals }) => route === '/v1/sim/limited' && arrivals.length > 0,
      ),
      ({ user }) => user,
    );
    for (const [user, requests] of admitted) {
      const times = requests.map(({ arrivals }) => arrivals[0].at).toSorted((one, other) => one - other);
      const windows = Math.floor((times.at(-1) - times[0]) / WINDOW_MS) + 1;
      if (times.length > most * windows) {
        this.#violate(
          'G6',
          `${user} was admitted ${times.length} times in ${windows} windows, and its limit is ${perMinute}`,
        );
      }
    }
  }

  #violate(guarantee, text) {
    this.#world.ledger.violate(guarantee, text);
  }
}

/** Whether a head has these lines, in their order. */
function hasLines({ text }, lines) {
  const all = text.split('\r\n');
  const places = lines.map((line) => all.indexOf(line));
  return !places.includes(-1) && places.every((place, index) => index === 0 || place > places[index - 1]);
}

/** Whether the gateway itself made a response: its 4xx have no header of their own. */
const isOwn = ({ get, status }) =>
  status >= 400 && get('x-sim') === undefined && get('content-security-policy') !== undefined;
