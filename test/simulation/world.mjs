import { EVENTS, UPSTREAM_EVENTS } from './events.mjs';
import { Guarantees } from './guarantees/guarantees.mjs';
import { Ledger } from './ledger.mjs';
import { Client } from './parties/client.mjs';
import { Gateway } from './parties/gateway.mjs';
import { RedisStandIn } from './parties/redis/server.mjs';
import { RelayClient } from './parties/relay-client.mjs';
import { Instance } from './parties/service.mjs';
import { StreamClient } from './parties/stream-client.mjs';
import { createToken } from './parties/tokens.mjs';

/** Milliseconds of virtual time after which a play has failed to come to rest. */
const LONGEST_MS = 180_000;

/** Milliseconds in which the gateways come to rest once all clients have ended; more than any timeout. */
const REST_MS = 10_000;

/** Milliseconds between two looks at what can be seen at any moment. */
const WATCH_MS = 100;

const SHUTDOWN_DELAY_MS = 500;
const DRAIN_TIMEOUT_MS = 4_000;
const PER_MINUTE = 6;

/** Timeouts of the gateway, short, so that a play sees each of them end. */
const SETTINGS = {
  SERVICE_NAME: 'api-gateway',
  CONNECT_TIMEOUT_MS: '800',
  RESPONSE_HEADERS_TIMEOUT_MS: '3000',
  REQUEST_TIMEOUT_MS: '5000',
  STREAM_IDLE_TIMEOUT_MS: '6000',
  EVENT_STREAM_IDLE_TIMEOUT_MS: '8000',
  HEALTH_CHECK_INTERVAL_MS: '1000',
  HEALTH_CHECK_TIMEOUT_MS: '500',
  OUTLIER_EJECTION_MS: '2000',
  CIRCUIT_BREAKER_OPEN_MS: '1000',
  SLOW_START_MS: '1000',
  WEBSOCKET_RESUME_TIMEOUT_MS: '4000',
  WEBSOCKET_PING_INTERVAL_MS: '2000',
  CLIENT_KEEP_ALIVE_TIMEOUT_MS: '5000',
  SHUTDOWN_DELAY_MS: String(SHUTDOWN_DELAY_MS),
  DRAIN_TIMEOUT_MS: String(DRAIN_TIMEOUT_MS),
  UPSTREAM_MAX_CONNECTIONS: '8',
  // The machine's real load and memory are no part of a play.
  MAX_EVENT_LOOP_DELAY_MS: '3600000',
  MAX_MEMORY_PERCENT: '100',
};

const SERVICES = ['AUTH', 'CHAT', 'VIDEO', 'STORAGE'];

/** One play of a plan: the parties, and the time that passes for them. */
export class World {
  shutdownDelayMs = SHUTDOWN_DELAY_MS;
  drainTimeoutMs = DRAIN_TIMEOUT_MS;
  gateways = [];
  instances = [];
  parties = [];
  #plan;

  /** @param kernel `{ clock, random, trace, network, product }` */
  constructor(kernel, plan, scenario) {
    Object.assign(this, kernel, { scenario });
    this.#plan = plan;
    this.sessions = plan.sessions;
    this.ledger = new Ledger(kernel);
    this.guarantees = new Guarantees(this);
    this.ledger.guarantees = this.guarantees;
    const isRedisSafe = scenario.hasRedis && !plan.events.some(({ kind }) => kind === 'redisFault');
    /** Whether services do their work, and nothing breaks their connections. */
    this.hasGoodUpstreams = scenario.isGood && !plan.events.some(({ kind }) => UPSTREAM_EVENTS.has(kind));
    /** Whether somebody sets the clock of the machine, so that tokens may expire. */
    this.setsClock = plan.events.some(({ kind }) => kind === 'setClock');
    /** More than one, so that the share of a gateway differs from the limit. */
    this.replicas = Math.max(2, plan.gateways);
    const share = Math.max(1, Math.floor(PER_MINUTE / this.replicas));
    if (scenario.hasLimits) this.limits = { perMinute: PER_MINUTE, share, isRedisSafe };
  }

  /** Plays the plan to its end. @returns the violations */
  async play() {
    this.#createParties();
    for (const gateway of this.gateways) void gateway.start();
    await this.#until(() => this.gateways.every(({ state }) => state === 'up'), 20_000, 'the gateways start');
    for (const party of this.parties) party.start();
    const begunAt = this.clock.time;
    for (const event of this.#plan.events) {
      setTimeout(() => this.#happen(event), event.at);
    }
    const watch = setInterval(() => this.guarantees.watch(), WATCH_MS);
    const isDone = () => this.parties.every((party) => party.isDone) && this.clock.time > begunAt + 9_000;
    await this.#until(isDone, LONGEST_MS, 'the clients end');
    await this.#until(
      () => this.gateways.every(({ state }) => state === 'up'),
      30_000,
      'the gateways are back',
    );
    // What is still under way between gateways and services, health checks too, ends by its timeout.
    await this.clock.run(this.clock.time + REST_MS);
    await this.clock.run(this.clock.time + REST_MS, () => this.gateways.every((gateway) => gateway.isAtRest));
    clearInterval(watch);
    this.guarantees.checkRest();
    await this.guarantees.checkRevocations();
    await this.#end();
    return this.ledger.violations;
  }

  async #end() {
    for (const gateway of this.gateways) void gateway.terminate();
    await this.#until(() => this.gateways.every(({ state }) => state === 'gone'), 30_000, 'the gateways end');
    this.redis?.close();
    // Services close their idle connections.
    await this.clock.run(this.clock.time + REST_MS);
    this.guarantees.checkEnd();
  }

  #createRedis() {
    // Redis has a machine and a clock of its own: if somebody set that one, its keys would end early.
    const now = () => Date.now() - this.clock.dateOffset;
    this.redis = new RedisStandIn({ random: this.random.fork('redis'), now });
    for (const { host } of this.gateways) {
      const [network] = host.split('.0.1');
      this.network.listen(`${network}.9.1:6379`, this.redis);
    }
  }

  #createParties() {
    const { instances, gateways, sessions, clients, relays, streams } = this.#plan;
    const hosts = Array.from({ length: instances }, (_, index) => index + 1);
    for (const host of hosts) this.instances.push(new Instance(this, host));
    for (let number = 1; number <= gateways; number++) {
      this.gateways.push(new Gateway(this, number, this.#settingsFor(number, hosts)));
    }
    if (this.scenario.hasRedis) this.#createRedis();
    const signed = sessions.map((session) => ({ ...session, token: createToken(session) }));
    for (const client of clients)
      this.parties.push(new Client(this, { ...client, session: signed[client.session] }));
    for (const relay of relays)
      this.parties.push(new RelayClient(this, { ...relay, session: signed[relay.session] }));
    for (const stream of streams)
      this.parties.push(new StreamClient(this, { ...stream, session: signed[stream.session] }));
  }

  /** Each gateway knows the instances by addresses of its own, so that the network knows who has dialled. */
  #settingsFor(number, hosts) {
    return {
      ...SETTINGS,
      ...Object.fromEntries(SERVICES.map((name) => [`${name}_SERVICE_URL`, `http://10.${number}.8.1:9`])),
      SIM_SERVICE_URL: hosts.map((host) => `http://10.${number}.1.${host}:80`).join(),
      REDIS_URL: `redis://10.${number}.9.1:6379`,
      RATELIMIT: this.scenario.hasLimits ? 'on' : 'off',
      GATEWAY_REPLICAS: String(this.replicas),
      ...this.scenario.settings,
    };
  }

  #happen({ kind, choice, backAfterMs }) {
    const pick = (list) => list[choice % list.length];
    this.trace.note('event', kind);
    EVENTS[kind](this, pick, { backAfterMs, choice });
  }

  async #until(isDone, withinMs, what) {
    await this.clock.run(this.clock.time + withinMs, isDone);
    if (!isDone()) this.ledger.violate('G9', `not within ${withinMs} ms: ${what}`);
  }
}
