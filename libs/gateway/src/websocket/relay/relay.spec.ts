import { AuthenticationException, type Principal } from '@app/auth';
import { openMemorySockets, turns, type MemorySocket } from '../../../../../test/support/memory-sockets.js';
import { ByteBudget, evictGreatest } from './byte-budget.js';
import { CLOSE_REASON } from './close-reasons.js';
import type { RelayContext } from './relay-context.js';
import { Relay } from './relay.js';
import type { RelayDialer, RelayRecord, UpstreamWebSocket } from './relay-record.js';

const CONFIG = {
  pingMs: 30_000,
  stallMs: 5_000,
  closeTimeoutMs: 1_000,
  resumeMs: 10_000,
  resumeBytes: 1_000,
};

const ROUTE = {
  endpoint: '/v1/ws/chat',
  upstream: 'chat-service',
  upstreamOwner: {},
  resume: true,
  closesAtExpiry: true,
  messagesPerSecond: 100,
  closesFastClients: false,
};

const PRINCIPAL = { userId: 'ada', tokenId: 't', sessionId: 's', expiresAt: 60 } as Principal;

/** The peer of one end. */
class Peer {
  readonly messages: string[] = [];
  readonly closes: string[] = [];
  pings = 0;

  readonly socket: MemorySocket['socket'];
  readonly stream: MemorySocket['stream'];

  constructor({ socket, stream }: MemorySocket) {
    this.socket = socket;
    this.stream = stream;
    socket.on('message', (data: Buffer) => this.messages.push(data.toString()));
    socket.on('close', (code, reason) => this.closes.push(`${code} ${reason.toString()}`));
    socket.on('ping', (payload) => {
      this.pings++;
      socket.pong(payload);
    });
  }
}

/** Opens as many upstreams as the test has prepared. */
class Dialer implements RelayDialer {
  readonly tokens: string[] = [];
  /** `performance.now()` of each dial. */
  readonly dials: number[] = [];
  private readonly results: (UpstreamWebSocket | number)[] = [];

  async open(subprotocol = ''): Promise<Peer> {
    const { server, client } = await openMemorySockets({});
    client.socket.pause();
    this.results.push({ ...client, subprotocol });
    return new Peer(server);
  }

  refuse(status: number): void {
    this.results.push(status);
  }

  take(): UpstreamWebSocket | number {
    const result = this.results.shift();
    if (result === undefined) throw new Error('connection refused');
    return result;
  }

  async dial(): Promise<UpstreamWebSocket | number> {
    this.dials.push(performance.now());
    return this.take();
  }

  setToken(token: string): void {
    this.tokens.push(token);
  }
}

/** Records the calls of a relay to the application. */
class Application {
  readonly relays = new Set<Relay>();
  readonly principals: (Principal | undefined)[] = [];
  readonly resumptions: string[] = [];
  readonly ends: string[] = [];
  readonly context;

  constructor(budgetBytes = 100_000) {
    this.context = this.createContext(budgetBytes);
  }

  private readonly createContext = (budgetBytes: number) => ({
    config: CONFIG,
    budget: new ByteBudget(budgetBytes, (account, bytes) => evictGreatest(this.relays, account, bytes)),
    authenticator: {
      isExpired: ({ expiresAt }: Principal) => expiresAt * 1000 <= Date.now(),
      verify: (token: string): Promise<Principal> =>
        token === 'bad'
          ? Promise.reject(new AuthenticationException('invalid_token'))
          : Promise.resolve({ ...PRINCIPAL, userId: token, expiresAt: 120 }),
    },
    live: {
      add: (relay: Relay) => this.relays.add(relay),
      delete: (relay: Relay) => this.relays.delete(relay),
      index: (_relay: Relay, principal: Principal | undefined) => this.principals.push(principal),
      refusesNew: false,
    },
    log: { write: (_record: RelayRecord, code: number, by: string) => this.ends.push(`${code} ${by}`) },
    metrics: {
      resumed: (_route: unknown, result: string) => this.resumptions.push(result),
      closed: () => {},
    },
  });
}

/** @param budgetBytes bytes that all relays may hold */
async function openRelay(route: Partial<typeof ROUTE> = {}, budgetBytes?: number) {
  const application = new Application(budgetBytes);
  const dialer = new Dialer();
  const connections = { release: jest.fn() };
  const upstream = await dialer.open();
  const { server, client } = await openMemorySockets({});
  const relay = new Relay(
    {
      route: { ...ROUTE, ...route, connections },
      request: { id: 'r', clientAddress: '::1', path: '/v1/ws/chat', owner: 'ada', dialer },
      principal: PRINCIPAL,
      client: server,
      upstream: dialer.take() as UpstreamWebSocket,
    },
    application.context as unknown as RelayContext,
  );
  return { relay, application, dialer, connections, client: new Peer(client), upstream };
}

type OpenRelay = Awaited<ReturnType<typeof openRelay>>;

/** A frame without a mask. */
const BAD_FRAME = Buffer.from([0x81, 0x01, 0x61]);

/** This many messages in one chunk, masked with zeros. */
function numbers(count: number): Buffer {
  const frames = Array.from({ length: count }, (_, number) => {
    const text = String(number);
    return [0x81, 0x80 | text.length, 0, 0, 0, 0, ...Buffer.from(text)];
  });
  return Buffer.from(frames.flat());
}

/** Advances the time, and waits for the effects. */
async function pass(ms: number): Promise<void> {
  jest.advanceTimersByTime(ms);
  await turns();
}

/** A relay whose upstream is gone and whose next dial is under way, until `connect` makes its connection. */
async function openPendingDial() {
  const { client, upstream, dialer, application } = await openRelay();
  upstream.socket.terminate();
  await turns();
  const next = await dialer.open();
  const dialled = Promise.withResolvers<UpstreamWebSocket | number>();
  dialer.dial = () => dialled.promise;
  await pass(50);
  return { client, next, application, connect: () => dialled.resolve(dialer.take()) };
}

describe('Relay', () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: 0, doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    // Random waits take their longest time.
    jest.spyOn(Math, 'random').mockReturnValue(1);
  });
  afterEach(() => {
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  it("passes messages both ways, then the client's close frame, and releases everything at its end", async () => {
    const { relay, application, connections, client, upstream } = await openRelay();
    client.socket.send('to upstream');
    upstream.socket.send('to client');
    await turns();

    client.socket.close(4000, 'bye');
    await turns();

    expect([upstream.messages, client.messages]).toEqual([['to upstream'], ['to client']]);
    expect([upstream.closes, application.ends]).toEqual([['4000 bye'], ['4000 client']]);
    expect(relay.counts).toMatchObject({ messagesIn: 1, bytesIn: 11, messagesOut: 1, bytesOut: 9 });
    expect([application.relays.size, application.context.budget.bytes]).toEqual([0, 0]);
    expect(application.principals.at(-1)).toBeUndefined();
    expect(connections.release.mock.calls).toEqual([['ada']]);
  });

  it('closes its client with the code of an upstream that does not restart, and with 1012 if it broke', async () => {
    const { client, upstream, application } = await openRelay();
    upstream.socket.close(4001, 'not here');
    await turns();
    expect([client.closes, application.ends]).toEqual([['4001 not here'], ['4001 service']]);

    const broken = await openRelay({ resume: false });
    broken.upstream.socket.terminate();
    await turns();
    expect(broken.client.closes).toEqual(['1012 service restart']);
  });

  it('closes a client that exceeds its rate, if the route says so', async () => {
    const { client, upstream } = await openRelay({ messagesPerSecond: 2, closesFastClients: true });

    for (let sent = 0; sent < 5; sent++) client.socket.send(String(sent));
    await turns();

    expect([client.closes, upstream.closes]).toEqual([
      ['1008 too many messages'],
      ['1001 too many messages'],
    ]);
    expect(upstream.messages).toEqual(['0', '1', '2', '3']);
  });

  it('slows a client that exceeds its rate: a message passes when its time has come, and none is lost', async () => {
    const { relay, client, upstream } = await openRelay({ messagesPerSecond: 2 });

    client.stream.write(numbers(8));
    await turns();
    const passed = [];
    for (let ms = 0; ms < 2_500; ms += 250) {
      passed.push(upstream.messages.length);
      await pass(250);
    }

    expect(passed).toEqual([4, 4, 5, 5, 6, 6, 7, 7, 8, 8]);
    expect([upstream.messages, client.closes]).toEqual([['0', '1', '2', '3', '4', '5', '6', '7'], []]);
    expect(relay.counts).toMatchObject({ messagesIn: 8, lost: 0 });
  });

  it('slows a client whose rate is below one message a second', async () => {
    const { client, upstream } = await openRelay({ messagesPerSecond: 0.1 });

    client.stream.write(numbers(3));
    await turns();
    expect(upstream.messages).toEqual(['0']);
    await pass(9_999);
    expect(upstream.messages).toEqual(['0']);
    await pass(1);

    expect(upstream.messages).toEqual(['0', '1']);
  });

  it('pings a slowed client, and never closes it for pongs or as stalled', async () => {
    const { relay, client, upstream, application } = await openRelay({ messagesPerSecond: 1 });
    client.socket.removeAllListeners('ping');
    const pinged = jest.fn();
    client.socket.on('ping', pinged);
    client.stream.write(numbers(200));

    for (let second = 0; second < 190; second++) {
      await pass(1_000);
      jest.setSystemTime(0);
      relay.tick(performance.now());
    }

    expect(pinged).toHaveBeenCalledTimes(6);
    expect([client.closes, application.ends]).toEqual([[], []]);
    expect(upstream.messages.length).toBeGreaterThan(188);
  });

  it.each([
    ['a drain', ({ relay }: OpenRelay) => relay.close(CLOSE_REASON.RESTART), '1012 service restart'],
    ['an eviction', ({ relay }: OpenRelay) => relay.evict(), /^10(13|06) /],
    ['its upstream', ({ upstream }: OpenRelay) => upstream.socket.close(4001), '4001 '],
  ])('closes a slowed client at once: by %s', async (_by, end, closed) => {
    const opened = await openRelay({ messagesPerSecond: 1 });
    const { client, upstream, application } = opened;
    client.stream.write(numbers(500));
    await turns();

    end(opened);
    await turns(100);

    expect([client.closes, upstream.messages]).toEqual([[expect.stringMatching(closed)], ['0', '1']]);
    expect([application.relays.size, application.context.budget.bytes]).toEqual([0, 0]);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('lets messages of a broken connection pass within the rate only', async () => {
    const { client, upstream, application } = await openRelay({ messagesPerSecond: 1 });
    client.stream.write(numbers(500));
    await turns();

    for (const relay of application.relays) relay.terminate();
    await turns(100);

    expect([upstream.messages, application.relays.size]).toEqual([['0', '1'], 0]);
    expect(jest.getTimerCount()).toBe(0);
  });

  describe('whose client sends a bad frame behind a message', () => {
    it('delivers responses for a quarter of a second from the message, then closes it with 1002', async () => {
      const { client, upstream, application } = await openRelay();
      client.socket.send('question');
      client.stream.write(BAD_FRAME);
      await turns();
      upstream.socket.send('response');
      await pass(249);
      expect([upstream.messages, client.messages, client.closes]).toEqual([['question'], ['response'], []]);

      await pass(1);

      expect([client.closes, upstream.closes]).toEqual([['1002 '], ['1001 client gone']]);
      expect(application.ends).toEqual(['1002 gateway']);
    });

    it('closes it at once if the time for responses is over, or if it sent no message', async () => {
      const [late, first] = [await openRelay(), await openRelay()];
      late.client.socket.send('question');
      await turns();
      await pass(250);

      for (const { client } of [late, first]) client.stream.write(BAD_FRAME);
      await turns();

      expect([late.client.closes, first.client.closes]).toEqual([['1002 '], ['1002 ']]);
    });

    it.each([
      ['a drain', ({ relay }: OpenRelay) => relay.close(CLOSE_REASON.RESTART), '1012 service restart'],
      ['its upstream', ({ upstream }: OpenRelay) => upstream.socket.close(4001), '4001 '],
    ])('closes it at once: by %s', async (_by, end, closed) => {
      const opened = await openRelay();
      opened.client.socket.send('question');
      opened.client.stream.write(BAD_FRAME);
      await turns();

      end(opened);
      await turns();

      expect(opened.client.closes).toEqual([closed]);
      expect(jest.getTimerCount()).toBe(0);
    });

    it('reads nothing behind it', async () => {
      const { client, upstream } = await openRelay();
      client.socket.send('question');
      client.stream.write(BAD_FRAME);
      await turns();

      client.stream.write(numbers(50));
      await turns();
      await pass(250);

      expect([upstream.messages, client.closes]).toEqual([['question'], ['1002 ']]);
    });
  });

  it('closes its client when the token expires, if the route says so', async () => {
    const [closing, staying] = [await openRelay(), await openRelay({ closesAtExpiry: false })];
    jest.setSystemTime(59_999);
    closing.relay.tick(performance.now());
    expect(closing.relay.isEnded).toBe(false);
    jest.setSystemTime(60_000);

    for (const { relay } of [closing, staying]) relay.tick(performance.now());
    await turns();

    expect([closing.client.closes, staying.client.closes]).toEqual([['4401 token expired'], []]);
  });

  it.each([
    ['ada', '{"gateway:renewed":120}', ['ada']],
    ['bob', '{"gateway:renewal_failed":"Invalid token"}', []],
    ['bad', '{"gateway:renewal_failed":"Invalid token"}', []],
  ])('renews by a token of the same user alone: %s', async (token, response, tokens) => {
    const { relay, client, upstream, dialer } = await openRelay();

    client.socket.send(JSON.stringify({ 'gateway:renew': token }));
    await turns();

    expect([client.messages, upstream.messages, dialer.tokens]).toEqual([[response], [], tokens]);
    expect(relay.principal?.expiresAt).toBe(tokens.length > 0 ? 120 : 60);
  });

  it('pings both ends after the interval, and again after another', async () => {
    const { relay, client, upstream } = await openRelay();

    for (const [ms, pings] of [
      [29_999, 0],
      [1, 1],
      [29_999, 1],
      [1, 2],
    ] as const) {
      jest.advanceTimersByTime(ms);
      jest.setSystemTime(0);
      relay.tick(performance.now());
      await turns();
      expect([client.pings, upstream.pings]).toEqual([pings, pings]);
    }
  });

  it('closes both ends if one does not read for longer than the stall timeout', async () => {
    const { relay, client, upstream } = await openRelay();
    client.socket.pause();
    for (let sent = 0; sent < 8; sent++) upstream.socket.send(Buffer.alloc(32 * 1024));
    await turns(100);

    await pass(5_000);
    relay.tick(performance.now());
    expect(relay.isEnded).toBe(false);
    await pass(1);
    relay.tick(performance.now());
    client.socket.resume();
    await turns(100);

    expect(client.closes).toEqual(['1013 client does not read']);
  });

  it('is evicted if the budget is full, and releases all bytes at once', async () => {
    const { relay, application, client, upstream } = await openRelay();
    client.socket.pause();

    for (let sent = 0; sent < 8; sent++) upstream.socket.send(Buffer.alloc(60_000));
    await turns(100);
    expect(application.context.budget.bytes).toBeGreaterThan(0);
    relay.evict();

    expect(application.context.budget.bytes).toBe(0);
    client.socket.resume();
    await turns(100);
    expect([client.closes.length, application.ends]).toEqual([1, ['1013 gateway']]);
  });

  it('counts a message as lost for which the budget has no room', async () => {
    const { relay, client, upstream } = await openRelay({}, 100);

    client.socket.send('x'.repeat(200));
    await turns();

    expect([relay.isEnded, upstream.messages]).toEqual([true, []]);
    expect(relay.counts).toMatchObject({ messagesIn: 1, lost: 1 });
  });

  describe('whose upstream restarts', () => {
    it('keeps its client, and sends the messages that arrived meanwhile in order', async () => {
      const { relay, client, upstream, dialer, application } = await openRelay();
      upstream.socket.close(1012);
      await turns();
      client.socket.send('one');
      client.socket.send('two');
      await turns();
      const next = await dialer.open();

      await pass(49);
      expect(dialer.dials).toEqual([]);
      await pass(1);
      client.socket.send('three');
      await turns();

      expect([next.messages, client.closes]).toEqual([['one', 'two', 'three'], []]);
      expect([relay.counts.resumptions, relay.counts.lost, application.resumptions]).toEqual([
        1,
        0,
        ['resumed'],
      ]);
      next.socket.send('back');
      await turns();
      expect(client.messages).toEqual(['back']);
    });

    it('counts messages that the connection had not acknowledged when it broke', async () => {
      const { relay, client, upstream } = await openRelay();
      client.socket.send('one');
      await turns();
      relay.tick(performance.now() + CONFIG.pingMs);
      await turns();
      client.socket.send('two');
      client.socket.send('three');
      await turns();

      upstream.socket.terminate();
      await turns();

      expect(relay.counts.unacknowledged).toBe(2);
    });

    it('waits longer before each dial, and gives up with 1012 when the time is over', async () => {
      const { relay, client, upstream, dialer, application } = await openRelay();
      upstream.socket.terminate();
      await turns();
      client.socket.send('lost');

      for (let ms = 0; ms < 12_000; ms += 50) await pass(50);

      expect(dialer.dials).toEqual([50, 150, 350, 750, 1_550, 3_150, 5_150, 7_150, 9_150]);
      expect([client.closes, application.ends]).toEqual([['1012 service restart'], ['1012 gateway']]);
      expect([relay.counts.lost, application.resumptions]).toEqual([1, ['given_up']]);
    });

    it('gives up if the upstream refuses, and not if it cannot serve yet', async () => {
      const { client, upstream, dialer } = await openRelay();
      upstream.socket.terminate();
      await turns();

      dialer.refuse(503);
      await pass(50);
      expect(client.closes).toEqual([]);
      dialer.refuse(403);
      await pass(100);

      expect(client.closes).toEqual(['1012 service restart']);
    });

    it('gives up if the upstream chooses another subprotocol', async () => {
      const { client, upstream, dialer, application } = await openRelay();
      upstream.socket.terminate();
      await turns();
      client.socket.send('lost');
      const next = await dialer.open('other');

      await pass(50);

      expect(client.closes).toEqual(['1012 service restart']);
      expect([next.messages, application.resumptions]).toEqual([[], ['given_up']]);
    });

    it('gives up if its client fills the resume buffer, and counts all its messages as lost', async () => {
      const { relay, client, upstream } = await openRelay();
      upstream.socket.terminate();
      await turns();

      client.socket.send(Buffer.alloc(800));
      client.socket.send(Buffer.alloc(100));
      await turns();

      expect([client.closes, relay.counts.lost]).toEqual([['1012 service restart'], 2]);
    });

    it('goes on with the same interruption if the upstream leaves again within five seconds', async () => {
      const { client, upstream, dialer, application } = await openRelay();
      upstream.socket.terminate();
      await turns();
      dialer.dial = async () => {
        const { socket } = await dialer.open();
        setImmediate(() => socket.terminate());
        return dialer.take();
      };

      for (let ms = 0; ms < 9_900; ms += 50) await pass(50);
      expect([client.closes, application.resumptions.length > 5]).toEqual([[], true]);
      for (let ms = 0; ms < 2_000; ms += 50) await pass(50);

      expect(client.closes).toEqual(['1012 service restart']);
    });

    it('begins a new interruption if the upstream stayed for longer', async () => {
      const { client, upstream, dialer } = await openRelay();
      upstream.socket.terminate();
      await turns();
      const next = await dialer.open();
      await pass(50);
      await pass(9_000);

      next.socket.terminate();
      await turns();
      await pass(50);

      expect([dialer.dials, client.closes]).toEqual([[50, 9_100], []]);
    });

    it('gives up once the drain has begun, and dials no upstream any more', async () => {
      const { client, upstream, dialer, application } = await openRelay();
      upstream.socket.terminate();
      await turns();
      application.context.live.refusesNew = true;

      await pass(10_000);

      expect(dialer.dials).toEqual([]);
      expect([client.closes, application.resumptions]).toEqual([['1012 service restart'], ['given_up']]);
    });

    it('ends a connection that is made when the drain has begun', async () => {
      const { client, next, connect, application } = await openPendingDial();
      application.context.live.refusesNew = true;

      connect();
      await turns();

      expect([client.closes, next.closes]).toEqual([['1012 service restart'], ['1006 ']]);
    });

    it('closes its client if the token has expired meanwhile, on any route', async () => {
      const { client, upstream, dialer } = await openRelay({ closesAtExpiry: false });
      upstream.socket.terminate();
      await turns();

      jest.setSystemTime(60_000);
      await pass(50);

      expect([client.closes, dialer.dials]).toEqual([['4401 token expired'], []]);
    });

    it('ends a connection that is made when its client has left', async () => {
      const { client, next, connect, application } = await openPendingDial();

      client.socket.close(1000);
      await turns();
      connect();
      await turns();

      expect([next.closes, application.ends]).toEqual([['1006 '], ['1000 client']]);
    });
  });
});
