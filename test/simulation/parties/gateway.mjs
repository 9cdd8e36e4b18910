import { Writable } from 'node:stream';
import { isGatewayEnd } from '../kernel/addresses.mjs';
import { currentProcess } from '../kernel/process.mjs';

export const JWT_SECRET = 'a secret of the simulation, 32 bytes';

/** The port of every gateway. */
const PORT = 8080;

/**
 * A process of the gateway: the whole product, over the simulated network. All gateways of a simulation share one Node
 * process; each dials its upstreams and Redis by addresses of its own, by which the network knows who has dialled.
 */
export class Gateway {
  /** `starting`, `up`, `draining` or `gone`. */
  state = 'gone';
  /** The parsed lines of its log, of all its lives. */
  lines = [];
  /** Counts its lives. */
  life = 0;
  #app;
  #process;
  #life;
  #world;
  #stopListening;

  /** @param number 1 or more: its network is 10.<number> */
  constructor(world, number, env = {}) {
    this.#world = world;
    this.number = number;
    this.host = `10.${number}.0.1`;
    this.address = `${this.host}:${PORT}`;
    this.env = env;
  }

  /** Starts a process, if there is none. Resolves when it listens. */
  async start() {
    if (this.state !== 'gone') return;
    const { AppModule, createGateway } = this.#world.product;
    const life = ++this.life;
    this.state = 'starting';
    this.note('starts');
    const variables = { JWT_SECRET, HOST: this.host, PORT: String(PORT), ...this.env };
    const record = this.#world.ledger.addLife(this, life);
    // Each life draws for itself: a smaller plan leaves the draws of other gateways as they were.
    this.#process = { random: this.#world.random.fork(`gateway ${this.number} life ${life}`) };
    const app = await currentProcess.run(this.#process, createGateway, AppModule, {
      variables,
      logs: this.#createLogs(life),
      modules: [this.#world.product.SimulationModule],
    });
    if (life !== this.life) {
      await app.close();
      return;
    }
    this.#app = app;
    this.#life = record;
    this.get('RevocationStore').onRevoked((id, kind) => {
      if (life === this.life) this.#world.ledger.onRevoked(this, id, kind);
    });
    this.#countOutages();
    this.#listen(app.getHttpServer());
    this.state = 'up';
    this.note('listens');
  }

  /** SIGTERM. Resolves when the process has ended. */
  async terminate() {
    const app = this.#app;
    const { life } = this;
    this.state = 'draining';
    this.#life.signalAt = this.#world.ledger.now;
    this.note('gets SIGTERM');
    await currentProcess.run(this.#process, () => app.close());
    if (life !== this.life) return;
    this.#checkClosed();
    this.#end('ends');
  }

  /** The process has nothing to wait for: all its connections are closed. */
  #checkClosed() {
    for (const socket of this.#ownSockets()) {
      // One that is being dialled is destroyed when it stands. One that has sent its end waits for the other's, a relay's for a
      // close frame: the end of the process closes them.
      const isClosing = socket.connecting || socket.hasEnded || socket.isRelay;
      if (!socket.destroyed && !isClosing)
        this.#world.ledger.violate('G10', `${socket.id} is open when the gateway ends`);
    }
  }

  #ownSockets() {
    const isOwn = (socket) => isGatewayEnd(socket) && socket.dialled.startsWith(`10.${this.number}.`);
    return [...this.#world.network.sockets].filter(isOwn);
  }

  /** `kill -9`: the kernel resets all its connections. */
  kill() {
    const app = this.#app;
    if (this.#life) this.#life.isKilled = true;
    this.#end('is killed');
    // What is left of it in this process: it has no connection any more.
    void currentProcess.run(this.#process, () => app?.close());
  }

  /** The provider of a class of the product, by its name. */
  get(name) {
    return this.#app.get(this.#world.product[name], { strict: false });
  }

  isRevoked(id, kind) {
    return currentProcess.run(this.#process, () => this.get('RevocationStore').isRevoked(id, kind));
  }

  /** What must be none at rest, by name. */
  openThings() {
    const { upstreams } = this.get('UpstreamRegistry');
    const instances = upstreams.flatMap((upstream) => upstream.instances.all);
    const sum = (values) => values.reduce((total, value) => total + value, 0);
    return {
      exchanges: this.get('OpenExchanges').size,
      relays: this.get('Relays').size,
      'tokens of relays': this.get('Relays').byToken.size,
      'sessions of relays': this.get('Relays').bySession.size,
      'permits of WebSockets': sum(
        [...this.get('WebSocketRoutes').routes.values()].map(({ connections }) => connections.total),
      ),
      'buffered bytes of relays': this.get('ByteBudget').bytes,
      'active requests': sum(instances.map(({ activeRequests }) => activeRequests)),
      'running requests': sum(instances.map((instance) => instance.stats().running)),
      'pending requests': sum(instances.map((instance) => instance.stats().pending)),
      'streamed bodies': sum(upstreams.map(({ streamedBodyLimit }) => streamedBodyLimit.inProgress)),
    };
  }

  get isAtRest() {
    return Object.values(this.openThings()).every((count) => count === 0);
  }

  note(what) {
    this.#world.trace.note(`gateway ${this.number}`, what);
  }

  /** Nest's logger belongs to the gateway that started last: lines do not tell whose Redis is away. */
  #countOutages() {
    const redis = this.get('RedisConnection');
    const record = this.#life;
    record.outages = redis.isUp ? 0 : 1;
    const report = redis.reportDegraded;
    redis.reportDegraded = (reason) => {
      record.outages++;
      report.call(redis, reason);
    };
  }

  #listen(server) {
    // What `listening` reads, and `close` ends.
    server._handle = { close: () => {}, ref: () => {}, unref: () => {} };
    this.#stopListening = this.#world.network.listen(this.address, {
      get isListening() {
        return server.listening;
      },
      process: this.#process,
      accept: (socket) => server.emit('connection', socket),
    });
  }

  #end(how) {
    this.life++;
    this.state = 'gone';
    this.#app = undefined;
    this.note(how);
    if (this.#life) this.#life.endedAt = this.#world.ledger.now;
    this.#life = undefined;
    this.#stopListening?.();
    for (const socket of this.#ownSockets()) {
      socket.resetsOnDestroy = true;
      socket.destroy();
    }
  }

  #createLogs(life) {
    return new Writable({
      write: (chunk, _encoding, done) => {
        for (const text of chunk.toString().split('\n')) {
          // A process that was killed says nothing more.
          if (text === '' || life !== this.life) continue;
          const line = JSON.parse(text);
          this.note(describe(line));
          this.lines.push({ life, ...line });
          this.#world.ledger.onLine(this, line);
        }
        done();
      },
    });
  }
}

/** A line of the log, without what differs by machine. */
function describe({ message, status, path, error_code, cause, code, instance, attempts, reason, upstream }) {
  const known = { status, path, error_code, code, upstream, instance, attempts, reason, cause };
  const shown = Object.entries(known).filter(([, value]) => value !== undefined);
  return `logs ${message} ${shown.map(([name, value]) => `${name}=${value}`).join(' ')}`;
}
