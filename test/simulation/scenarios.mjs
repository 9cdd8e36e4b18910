/** Responses of a service that does its work. */
const GOOD = {
  plain: 10,
  chunked: 3,
  closed: 1,
  empty: 1,
  slowHead: 0.5,
  slowBody: 1,
  interim: 0.5,
  error: 0.5,
};

/** Responses of a service that fails in every way. */
const BAD = {
  ...GOOD,
  hang: 0.3,
  hangBody: 0.2,
  resetBefore: 2,
  endBefore: 2,
  resetInHead: 1,
  resetInBody: 1,
  resetInChunks: 1,
  resetClosed: 1,
  garbage: 1,
  extraBytes: 1,
};

/** A client that is slow, leaves, or is cut off: shares of its requests and connections. */
const RUDE = { slow: 0.25, anonymous: 0.15, cut: 0.1, aborts: 0.15, pauses: 0.15, resets: 0.1 };

/**
 * What the plans of each scenario are drawn from:
 * - `responses`: weights of the kinds in `parties/responses.mjs`;
 * - `gateways`, `instances`, `clients`, `requests`, `relays`, `streams`: how many, at least and at most; streams are the clients of
 *   event streams;
 * - `lengths`, `uploads`: weights of the lengths of response and request bodies;
 * - `closesConnections`: whether services close a connection behind each response;
 * - `early`: the share of responses that come before the request is whole;
 * - `hasRedis`: whether gateways reach Redis;
 * - `hasLimits`: whether requests have rate limits;
 * - `isErrorFree`: whether a gateway has no reason for a 5xx of its own;
 * - `isGood`: whether services respond whole, so that only events can break a response;
 * - `servicePauses`, `relayPauses`: shares of requests and relays in whose middle an end reads nothing for a while;
 * - `messages`: weights of the lengths of messages in `parties/relay-messages.mjs`;
 * - `refusedHandshakes`, `hungHandshakes`: shares of handshakes that a service refuses, or leaves without a response;
 * - `silentServices`, `silentClients`: shares of relays an end of which sends nothing more;
 * - `serviceCloses`: the share of a service's messages behind which it closes the relay;
 * - `expects`: the share of uploads whose client waits for `100 Continue`;
 * - `tokenSeconds`: for how long tokens are valid, at least and at most;
 * - `relayPausesMs`: the longest pauses between messages of a relay;
 * - `settings`: settings of the gateways, by variable;
 * - `rude`: shares of bad behaviour of clients;
 * - `events`: how many of each kind happen while the clients are busy.
 */
export const SCENARIOS = {
  traffic: { isGood: true, isErrorFree: true, responses: GOOD, relays: [2, 5] },
  service: {
    responses: BAD,
    instances: [1, 3],
    events: { killInstance: [0, 2], restartInstance: [0, 2], hangInstance: [0, 1] },
  },
  /** Most requests fail at first, so that there are more retries than the budget has. */
  outage: {
    responses: { plain: 3, resetBefore: 10 },
    closesConnections: true,
    clients: [30, 40],
    requests: [10, 20],
    instances: [2, 3],
  },
  /** Bodies of many reads, both ways. */
  large: {
    isGood: true,
    responses: GOOD,
    lengths: { 100000: 1, 900000: 1 },
    uploads: { 100000: 1, 600000: 1 },
    clients: [4, 10],
    rude: { slow: 0.1, pauses: 0.3 },
  },
  /** Bodies and messages that are larger than any buffer, for readers that pause. */
  slow: {
    isGood: true,
    responses: { plain: 1 },
    lengths: { 100: 1, 2000000: 1 },
    uploads: { 100: 1, 2000000: 1 },
    clients: [2, 4],
    requests: [1, 3],
    relays: [1, 3],
    messages: { edge: 1, huge: 2 },
    rude: { slow: 0.1, pauses: 0.7 },
    servicePauses: 0.5,
    relayPauses: 0.7,
  },
  clients: { isGood: true, responses: GOOD, early: 0.5, rude: RUDE },
  network: {
    responses: GOOD,
    instances: [2, 3],
    events: { cutUpstream: [2, 12], stallUpstream: [0, 4], cutClient: [0, 6], loseDials: [0, 4] },
  },
  expectations: {
    isGood: true,
    isErrorFree: true,
    responses: GOOD,
    uploads: { 20: 2, 3000: 3, 100000: 2 },
    early: 0.4,
    expects: 0.7,
    rude: { slow: 0.1, anonymous: 0.15 },
  },
  streams: {
    isGood: true,
    responses: GOOD,
    clients: [2, 6],
    gateways: [1, 2],
    streams: [4, 10],
    events: { terminateGateway: [0, 1] },
  },
  expiry: {
    isGood: true,
    responses: GOOD,
    clients: [6, 12],
    relays: [3, 6],
    relayPausesMs: [400, 2_000],
    streams: [3, 6],
    tokenSeconds: [1, 12],
    settings: { JWT_CLOCK_TOLERANCE_SECONDS: '1' },
  },
  overload: {
    isGood: true,
    responses: { ...GOOD, slowHead: 5, slowBody: 3 },
    early: 0.4,
    clients: [20, 40],
    settings: { MAX_REQUESTS_IN_FLIGHT: '6' },
  },
  /** Few connections to the services, and little room to wait for one. */
  crowd: {
    isGood: true,
    responses: { ...GOOD, slowHead: 3, slowBody: 3 },
    early: 0.4,
    clients: [20, 40],
    expects: 0.3,
    settings: { UPSTREAM_MAX_CONNECTIONS: '2', UPSTREAM_MAX_PENDING: '3' },
  },
  drain: {
    isGood: true,
    responses: { ...GOOD, slowHead: 3, slowBody: 3, longBody: 1 },
    gateways: [2, 3],
    relays: [2, 6],
    events: { terminateGateway: [1, 3], killGateway: [0, 1] },
  },
  sockets: {
    responses: GOOD,
    relays: [4, 12],
    refusedHandshakes: 0.1,
    hungHandshakes: 0.05,
    silentServices: 0.1,
    silentClients: 0.1,
    serviceCloses: 0.01,
    instances: [1, 3],
    events: { restartInstance: [1, 3], killInstance: [0, 2], cutUpstream: [0, 6], cutClient: [0, 3] },
  },
  revocation: {
    responses: { ...GOOD, slowBody: 3, longBody: 1 },
    gateways: [1, 3],
    relays: [2, 6],
    streams: [3, 8],
    hasRedis: true,
    events: { revoke: [3, 10], redisFault: [0, 3] },
  },
  limits: { isGood: true, responses: GOOD, gateways: [1, 3], hasRedis: true, hasLimits: true },
  limitsWithoutRedis: {
    responses: GOOD,
    clients: [16, 30],
    requests: [8, 20],
    gateways: [1, 3],
    hasRedis: true,
    hasLimits: true,
    events: { redisFault: [1, 4] },
  },
  everything: {
    responses: BAD,
    rude: RUDE,
    gateways: [2, 3],
    instances: [2, 3],
    relays: [2, 8],
    streams: [1, 4],
    hasRedis: true,
    hasLimits: true,
    refusedHandshakes: 0.1,
    hungHandshakes: 0.05,
    silentServices: 0.1,
    silentClients: 0.1,
    serviceCloses: 0.01,
    events: {
      killInstance: [0, 2],
      restartInstance: [0, 3],
      hangInstance: [0, 1],
      cutUpstream: [0, 6],
      stallUpstream: [0, 3],
      loseDials: [0, 2],
      cutClient: [0, 4],
      terminateGateway: [0, 2],
      killGateway: [0, 1],
      revoke: [0, 6],
      redisFault: [0, 3],
      setClock: [0, 2],
    },
  },
};
