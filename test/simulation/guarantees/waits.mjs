import { isUpstreamEnd } from '../kernel/addresses.mjs';

/** Milliseconds beside a timeout: `clockTickMs`, the latency of both ways, and the interval of the looks. */
const GRACE_MS = 750;

/** Bytes of a body that waits for its turn, and may wait for a service that does not read. */
const STREAMED_BYTES = 64 * 1024;

/** The longest wait of a gateway in each stage, in milliseconds, by the settings of `world.mjs`. */
const STAGES = {
  /** `CONNECT_TIMEOUT_MS` */
  connect: 800,
  /** `HEALTH_CHECK_TIMEOUT_MS` */
  'health check': 500,
  /** `RESPONSE_HEADERS_TIMEOUT_MS` */
  'response headers': 3_000,
  /** `STREAM_IDLE_TIMEOUT_MS` */
  'response body': 6_000,
  /** `EVENT_STREAM_IDLE_TIMEOUT_MS` */
  'event stream': 8_000,
  /** `RESPONSE_HEADERS_TIMEOUT_MS` */
  handshake: 3_000,
  /** Two pings without a pong, and the interval to the next, `WEBSOCKET_PING_INTERVAL_MS`; relays look once a second. */
  pong: 3 * 2_000 + 1_000,
  /** `REQUEST_TIMEOUT_MS`, with all attempts */
  response: 5_000,
  /** The same behind a queue of 5 s, with `STREAM_IDLE_TIMEOUT_MS` for a service that does not read */
  'response to a streamed body': 5_000 + 5_000 + 6_000,
  /** `CLIENT_KEEP_ALIVE_TIMEOUT_MS`, and a second that Node adds */
  'next request': 5_000 + 1_000,
};

/** G9: every wait of a gateway ends by its timeout. */
export class Waits {
  #world;
  /** Who waits too long, each once. */
  #named = new Set();

  constructor(world) {
    this.#world = world;
  }

  watch() {
    const { network, instances, ledger, parties } = this.#world;
    for (const socket of network.sockets) {
      if (isUpstreamEnd(socket) && socket.connecting) this.#check('connect', socket.dialledAt, socket.id);
    }
    for (const { stage, since, id } of instances.flatMap((instance) => instance.waits)) {
      this.#check(stage, since, id);
    }
    for (const request of ledger.requests.values()) this.#checkRequest(request);
    for (const { id, silentAt, closedAt } of ledger.relays.values()) {
      if (silentAt !== undefined && closedAt === undefined) this.#check('pong', silentAt, id);
    }
    for (const { idleSince, id } of parties)
      if (idleSince !== undefined) this.#check('next request', idleSince, id);
  }

  /** A client that has sent a whole request gets the first byte of a response. */
  #checkRequest(request) {
    const { id, socket, settledAt, isAlone, isWritten, end, responseStart, bodyLength } = request;
    if (settledAt !== undefined || !isAlone || !isWritten || socket.bytesRead > responseStart) return;
    if (socket.hasPaused || socket.destroyed || this.#world.ledger.lifeOf(request)?.isKilled !== false)
      return;
    const stage = bodyLength > STREAMED_BYTES ? 'response to a streamed body' : 'response';
    this.#check(stage, socket.arrivedAt(end), id);
  }

  #check(stage, since, who) {
    const { ledger } = this.#world;
    const name = `${stage} ${who}`;
    const waitedMs = ledger.now - since;
    if (!(waitedMs > STAGES[stage] + GRACE_MS) || this.#named.has(name)) return;
    this.#named.add(name);
    ledger.violate('G9', `${who}: ${stage} waited for ${waitedMs} ms, more than ${STAGES[stage]}`);
  }
}
