import { MemoryUpstream } from '../../../../test/support/memory-upstream.js';
import { ConnectionPool } from './connection-pool.js';
import type { CallConnection, UpstreamCall } from './upstream-call.js';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
const OPTIONS = { maxConnections: 2, keepAliveMs: 4_000, headerLimitBytes: 1_000 };

/** A call that records where it has got to. */
class Call implements UpstreamCall {
  readonly request = { head: 'GET / HTTP/1.1\r\n\r\n', isHeadRequest: false, body: null };
  connection: CallConnection | undefined;
  outcome: string | undefined;

  onConnection(connection: CallConnection): void {
    this.connection = connection;
  }

  onEnd(): void {
    this.outcome = 'ended';
  }

  onError(error: Error): void {
    this.outcome = (error as NodeJS.ErrnoException).code;
  }

  onSent(): void {}
  onFirstByte(): void {}
  onInterim(): void {}
  onHead(): void {}
  onBody(): void {}
}

class PlayedPool {
  readonly upstreams: MemoryUpstream[] = [];
  readonly pool: ConnectionPool;

  constructor(options: Partial<typeof OPTIONS> = {}, isOnce = false) {
    this.pool = new ConnectionPool(
      (onread) => {
        const upstream = new MemoryUpstream(onread);
        this.upstreams.push(upstream);
        return upstream.opened;
      },
      { ...OPTIONS, ...options },
      isOnce,
    );
  }

  dispatch(): Call {
    const call = new Call();
    this.pool.dispatch(call);
    return call;
  }

  /** Sends a response, and waits for the turn of the event loop in which its connection is free. */
  async respond(index: number, bytes: string): Promise<void> {
    this.upstreams[index]!.send(bytes);
    await nextTurn();
  }

  /** Connections, calls on them, calls that wait. */
  get figures(): number[] {
    const { connected, running, pending } = this.pool;
    return [connected, running, pending];
  }
}

const refused = (): Error => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a pool of connections', () => {
  beforeEach(() => jest.useFakeTimers({ now: 0, doNotFake: ['setImmediate', 'nextTick'] }));
  afterEach(() => jest.useRealTimers());

  it('opens a connection for a call, and uses it again', async () => {
    const played = new PlayedPool();
    const first = played.dispatch();
    expect(played.figures).toEqual([0, 0, 1]);
    played.upstreams[0]!.open();
    expect(played.figures).toEqual([1, 1, 0]);
    await played.respond(0, OK);
    expect(played.figures).toEqual([1, 0, 0]);

    const second = played.dispatch();
    await played.respond(0, OK);

    expect([first.outcome, second.outcome]).toEqual(['ended', 'ended']);
    expect([played.upstreams.length, played.pool.opened, played.pool.reused]).toEqual([1, 1, 1]);
  });

  it.each([
    ['a call that waits', (played: PlayedPool) => [played.dispatch(), played.dispatch()]],
    ['a call of the same turn', (played: PlayedPool) => [played.dispatch()]],
  ])('gives %s no byte that comes in another read of the turn of the last', async (_which, dispatch) => {
    const played = new PlayedPool({ maxConnections: 1 });
    const calls = dispatch(played);
    played.upstreams[0]!.open();
    played.upstreams[0]!.send(OK);
    if (calls.length === 1) calls.push(played.dispatch());
    played.upstreams[0]!.send(OK);
    await nextTurn();

    expect(calls.map(({ outcome }) => outcome)).toEqual(['ended', undefined]);
    expect(played.upstreams.map(({ destroyed }) => destroyed)).toEqual([true, false]);
  });

  it('lets calls past its connections wait, in order', async () => {
    const played = new PlayedPool();
    const calls = Array.from({ length: 4 }, () => played.dispatch());
    expect(played.upstreams).toHaveLength(2);
    for (const upstream of played.upstreams) upstream.open();
    expect(played.figures).toEqual([2, 2, 2]);

    await played.respond(1, OK);

    expect(calls.map(({ connection }) => connection !== undefined)).toEqual([true, true, true, false]);
    await played.respond(1, OK);
    expect(calls[3]!.connection).toBeDefined();
  });

  it('gives a call the first connection that is free, be it not the one that was opened for it', async () => {
    const played = new PlayedPool();
    played.dispatch();
    played.upstreams[0]!.open();
    const second = played.dispatch();

    await played.respond(0, OK);
    expect(second.connection).toBeDefined();
    played.upstreams[1]!.open();

    expect(played.figures).toEqual([2, 1, 0]);
  });

  it('uses the connection that was used last', async () => {
    const played = new PlayedPool();
    for (const _ of [1, 2]) played.dispatch();
    for (const upstream of played.upstreams) upstream.open();
    for (const index of played.upstreams.keys()) await played.respond(index, OK);

    played.dispatch();

    expect(played.upstreams.map(({ writes }) => writes)).toEqual([1, 2]);
  });

  it('fails the call that waits longest if a connection cannot be opened', async () => {
    const played = new PlayedPool({ maxConnections: 1 });
    const [first, second] = [played.dispatch(), played.dispatch()];

    played.upstreams[0]!.destroy(refused());
    await nextTurn();

    expect([first.outcome, second.outcome]).toEqual(['ECONNREFUSED', undefined]);
    expect(played.upstreams).toHaveLength(2);
    played.upstreams[1]!.open();
    expect(second.connection).toBeDefined();
  });

  it('fails no call if another connection is there for it', async () => {
    const played = new PlayedPool();
    const [first, second] = [played.dispatch(), played.dispatch()];
    played.upstreams[0]!.open();
    await played.respond(0, OK);
    expect(second.connection).toBeDefined();

    played.upstreams[1]!.destroy(refused());
    await nextTurn();

    expect([first.outcome, second.outcome]).toEqual(['ended', undefined]);
  });

  it('opens another connection if one breaks while calls wait', async () => {
    const played = new PlayedPool({ maxConnections: 1 });
    const [first, second] = [played.dispatch(), played.dispatch()];
    played.upstreams[0]!.open();

    played.upstreams[0]!.reset();
    await nextTurn();
    played.upstreams[1]!.open();

    expect(first.outcome).toBe('ECONNRESET');
    expect(second.connection).toBeDefined();
  });

  it('gives no connection to a call that was taken back', () => {
    const played = new PlayedPool({ maxConnections: 1 });
    const [first, second] = [played.dispatch(), played.dispatch()];

    played.pool.cancel(first);
    played.upstreams[0]!.open();

    expect([first.connection, second.connection !== undefined]).toEqual([undefined, true]);
    expect(played.figures).toEqual([1, 1, 0]);
  });

  it('closes a connection that was unused for too long, and gives none that is about to', async () => {
    const played = new PlayedPool();
    played.dispatch();
    played.upstreams[0]!.open();
    await played.respond(0, OK);

    jest.advanceTimersByTime(3_999);
    played.pool.tick(performance.now());
    expect(played.figures).toEqual([1, 0, 0]);
    jest.advanceTimersByTime(1);
    played.dispatch();
    expect(played.upstreams).toHaveLength(2);
    expect(played.upstreams[0]!.destroyed).toBe(true);

    played.upstreams[1]!.open();
    await played.respond(1, OK);
    jest.advanceTimersByTime(4_000);
    played.pool.tick(performance.now());
    expect(played.figures).toEqual([0, 0, 0]);
  });

  it('keeps a connection for no longer than its service does', async () => {
    const played = new PlayedPool();
    played.dispatch();
    played.upstreams[0]!.open();
    await played.respond(0, OK.replace('\r\n\r\n', '\r\nKeep-Alive: timeout=3\r\n\r\n'));

    jest.advanceTimersByTime(2_000);
    played.pool.tick(performance.now());

    expect(played.figures).toEqual([0, 0, 0]);
  });

  it('of fresh connections uses each once', async () => {
    const played = new PlayedPool({}, true);
    for (const round of [0, 1]) {
      const call = played.dispatch();
      played.upstreams[round]!.open();
      await played.respond(round, OK);
      expect(call.outcome).toBe('ended');
    }

    expect([played.upstreams.length, played.pool.reused]).toEqual([2, 0]);
    expect(played.figures).toEqual([0, 0, 0]);
  });

  it('passes over each free connection whose time is over, be it the one that was used last', async () => {
    const played = new PlayedPool();
    for (const _ of [1, 2]) played.dispatch();
    for (const upstream of played.upstreams) upstream.open();
    await played.respond(0, OK);
    // Used last, and kept for one second less than it says.
    await played.respond(1, OK.replace('\r\n\r\n', '\r\nKeep-Alive: timeout=3\r\n\r\n'));

    jest.advanceTimersByTime(2_000);
    played.dispatch();

    expect(played.upstreams.map(({ writes, destroyed }) => [writes, destroyed])).toEqual([
      [2, false],
      [1, true],
    ]);
    expect(played.figures).toEqual([1, 1, 0]);
  });

  it('opens no connection for a call that was taken back, and fails none for it', async () => {
    const played = new PlayedPool();
    const [first, second] = [played.dispatch(), played.dispatch()];

    played.pool.cancel(second);
    played.upstreams[1]!.destroy(refused());
    await nextTurn();

    expect([first.outcome, second.outcome, played.upstreams.length]).toEqual([undefined, undefined, 2]);
    expect(played.figures).toEqual([0, 0, 1]);
  });

  it('counts no connection that could not be opened', async () => {
    const played = new PlayedPool();
    const { length } = [played.dispatch(), played.dispatch()];
    for (const upstream of played.upstreams) upstream.destroy(refused());
    await nextTurn();

    expect([length, played.upstreams.length, played.pool.opened]).toEqual([2, 2, 0]);
    expect(played.figures).toEqual([0, 0, 0]);
    const next = played.dispatch();
    played.upstreams[2]!.open();
    expect(next.connection).toBeDefined();
  });

  it('ends calls whose connection is not open yet, and calls that are dispatched in place of them', () => {
    const played = new PlayedPool();
    const again: Call[] = [];
    const call = new Call();
    call.onError = () => again.push(played.dispatch());
    played.pool.dispatch(call);

    played.pool.destroy();

    expect(again.map(({ outcome }) => outcome)).toEqual(['ERR_POOL_DESTROYED']);
    expect([played.upstreams.length, played.upstreams[0]!.destroyed]).toEqual([1, true]);
    expect(played.figures).toEqual([0, 0, 0]);
  });

  it('ends all when it is destroyed, and takes no further call', () => {
    const played = new PlayedPool({ maxConnections: 1 });
    const [first, second] = [played.dispatch(), played.dispatch()];
    played.upstreams[0]!.open();

    played.pool.destroy();
    const third = played.dispatch();

    expect([first, second, third].map(({ outcome }) => outcome)).toEqual(Array(3).fill('ERR_POOL_DESTROYED'));
    expect(played.figures).toEqual([0, 0, 0]);
    expect(played.upstreams).toHaveLength(1);
  });
});
