import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { EventSourceClient } from '../support/event-source.js';
import { describeWithNginx, Nginx } from '../support/nginx.js';
import { GatewayProcess } from '../support/process.js';
import { freePort } from '../support/free-port.mjs';

/** `npm run bench:streams` has a thousand. */
const STREAMS = Number(process.env['STREAMS'] ?? 50);

/** All streams together get some hundred events a second. */
const PERIOD_MS = Math.max(100, STREAMS);

/** Events that each client gets between two restarts. */
const BETWEEN = 4;

const BASE_MS = Date.now();

class EventService {
  private constructor(
    private readonly child: ChildProcess,
    readonly port: number,
  ) {}

  static async start(port: number): Promise<EventService> {
    const child = spawn(process.execPath, ['test/support/event-service.mjs'], {
      env: { PORT: String(port), BASE_MS: String(BASE_MS), PERIOD_MS: String(PERIOD_MS) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    return new EventService(child, port);
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.kill(signal);
    await exited;
  }
}

/** nginx, two gateways, and two instances of a service, each a process. */
async function startSystem() {
  const stack = new AsyncDisposableStack();
  const services: EventService[] = [];
  for (let index = 0; index < 2; index++) services.push(await EventService.start(await freePort()));
  stack.defer(async () => {
    for (const service of services) await service.end('SIGKILL');
  });
  const gateways: GatewayProcess[] = [];
  const ports = [await freePort(), await freePort()] as const;
  const startGateway = (index: 0 | 1): GatewayProcess =>
    GatewayProcess.start(
      {
        PORT: String(ports[index]),
        TICKER_SERVICE_URL: services.map(({ port }) => `http://127.0.0.1:${port}`).join(),
        TRUST_PROXY: '127.0.0.1',
        RATELIMIT: 'off',
        HEALTH_CHECK_INTERVAL_MS: '300',
        DRAIN_TIMEOUT_MS: String(Math.max(5_000, STREAMS * 20)),
        UPSTREAM_MAX_CONNECTIONS: '2000',
        MAX_REQUESTS_IN_FLIGHT: '5000',
        MAX_EVENT_LOOP_DELAY_MS: '10000',
      },
      undefined,
      'test/support/stream-gateway.mjs',
    );
  for (const index of [0, 1] as const) {
    gateways[index] = startGateway(index);
    await gateways[index].port();
  }
  stack.defer(async () => {
    for (const gateway of gateways) await gateway[Symbol.asyncDispose]();
  });
  const nginx = stack.use(await Nginx.start(ports));
  return { nginx, services, gateways, startGateway, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

type System = Awaited<ReturnType<typeof startSystem>>;

/** The number of the last event that is there. */
const lastEvent = (): number => Math.floor((Date.now() - BASE_MS) / PERIOD_MS);

async function more(clients: readonly EventSourceClient[]): Promise<void> {
  const target = lastEvent() + BETWEEN;
  await Promise.all(clients.map((client) => client.until(target)));
}

async function restartServices(system: System, clients: readonly EventSourceClient[]): Promise<void> {
  for (let restart = 0; restart < 10; restart++) {
    const index = restart % 2;
    const service = system.services[index]!;
    await service.end(restart % 3 === 2 ? 'SIGTERM' : 'SIGKILL');
    await more(clients);
    system.services[index] = await EventService.start(service.port);
    await more(clients);
  }
}

async function restartGateways(system: System, clients: readonly EventSourceClient[]): Promise<void> {
  for (const index of [0, 1] as const) {
    const gateway = system.gateways[index]!;
    gateway.signal('SIGTERM');
    expect(await gateway.exited).toBe(0);
    system.gateways[index] = system.startGateway(index);
    await system.gateways[index].port();
    // Until nginx asks it again.
    while (system.gateways[index].lines.every(({ message }) => message !== 'request'))
      await (await fetch(`${system.nginx.url}/health`)).text();
    await more(clients);
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

/** Streams that went on after a cut, by the access lines of a gateway that has ended them. */
const resumedOf = ({ lines }: GatewayProcess): number =>
  lines.filter(({ path, attempts, status }) => path === '/v1/ticks' && status === 200 && Number(attempts) > 1)
    .length;

describeWithNginx('clients of event streams', () => {
  it(`get each event once while services and gateways restart: ${STREAMS} streams`, async () => {
    await using system = await startSystem();
    const all = [...system.gateways];
    using clients = new DisposableStack();
    const sources = Array.from({ length: STREAMS }, () =>
      clients.use(new EventSourceClient(`${system.nginx.url}/v1/ticks`)),
    );
    await more(sources);

    await restartServices(system, sources);
    await restartGateways(system, sources);

    const last = lastEvent() + BETWEEN;
    await Promise.all(sources.map((source) => source.until(last)));
    clients.dispose();
    const expected = Array.from({ length: last }, (_, index) => String(index + 1));
    for (const { ids, faults } of sources) {
      expect(faults).toEqual([]);
      expect(ids.slice(0, last)).toEqual(expected);
    }
    const report = {
      streams: STREAMS,
      events: sum(sources.map(({ ids }) => ids.length)),
      connects: sum(sources.map(({ connects }) => connects)),
      breaks: sum(sources.map(({ breaks }) => breaks)),
      resumed: sum(all.map(resumedOf)),
    };
    if (process.env['STREAMS']) process.stderr.write(`${JSON.stringify(report)}\n`);
    // A kill of a service breaks no client's stream, and neither does a drain.
    expect(report.breaks).toBe(0);
    expect(report.resumed).toBeGreaterThan(STREAMS / 4);
  }, 240_000);
});
