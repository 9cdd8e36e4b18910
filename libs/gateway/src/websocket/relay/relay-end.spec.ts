import { once } from 'node:events';
import { incompleteBytesOf } from '../../http/ws-internals.js';
import { openMemorySockets, turns, type MemorySocket } from '../../../../../test/support/memory-sockets.js';
import { BudgetAccount, ByteBudget } from './byte-budget.js';
import { CODE } from './close-reasons.js';
import { RelayEnd, type RelayEndListener } from './relay-end.js';

/** A masked ping of 100 bytes. */
const PING = Buffer.from([0x89, 0x80 | 100, 0, 0, 0, 0, ...Array<number>(100).fill(0x78)]);

const LARGE = Buffer.alloc(64 * 1024, 'x');

/** Records the events of an end. */
class Listener implements RelayEndListener {
  readonly messages: string[] = [];
  readonly closes: [code: number, violation: number | undefined][] = [];
  controlFrames = 0;
  evictions = 0;

  onMessage(_end: RelayEnd, data: Buffer): void {
    this.messages.push(data.toString());
  }

  onControlFrame(): boolean {
    this.controlFrames++;
    return true;
  }

  onClose(_end: RelayEnd, code: number, _reason: Buffer, violation: number | undefined): void {
    this.closes.push([code, violation]);
  }

  onViolation(): number {
    return 0;
  }

  evict(): void {
    this.evictions++;
  }
}

/** An end whose peer is a client in memory, within a budget of this many bytes. */
async function openEnd(budgetBytes = 10_000_000, peerOptions: object = {}) {
  const { server, client: peer } = await openMemorySockets({ client: peerOptions });
  const account = new BudgetAccount(new ByteBudget(budgetBytes), 'a user');
  const listener = new Listener();
  const end = new RelayEnd(server, account, listener, 1_000);
  return { end, listener, account, peer, ...server };
}

/** The first bytes of a masked message of this size. */
function beginMessage({ stream }: MemorySocket, size: number, ...parts: readonly Buffer[]): void {
  const head = Buffer.alloc(14);
  head.writeUInt8(0x82, 0);
  head.writeUInt8(0xff, 1);
  head.writeBigUInt64BE(BigInt(size), 2);
  stream.write(Buffer.concat([head, ...parts]));
}

describe('RelayEnd', () => {
  beforeEach(() => jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] }));
  afterEach(() => jest.useRealTimers());

  it('counts messages as acknowledged that it sent before a ping with its pong', async () => {
    const [{ end, peer }, { end: source }] = [await openEnd(), await openEnd()];
    end.send(Buffer.from('1'), false, source);
    end.send(Buffer.from('2'), false, source);
    const pinged = once(peer.socket, 'ping');
    end.ping();
    end.send(Buffer.from('3'), false, source);

    const [payload] = (await pinged) as [Buffer];
    expect(end.messagesUnacknowledged).toBe(3);
    peer.socket.pong(payload);
    await turns();
    expect(end.messagesUnacknowledged).toBe(1);
  });

  it('ignores a pong that acknowledges more messages than it has sent', async () => {
    const [{ end, peer }, { end: source }] = [await openEnd(), await openEnd()];
    end.send(Buffer.from('1'), false, source);

    peer.socket.pong('2');
    await turns();

    expect(end.messagesUnacknowledged).toBe(1);
  });

  it('ends a connection whose peer misses two pings', async () => {
    const { end, listener } = await openEnd();

    end.ping();
    end.ping();
    await turns();
    expect([end.isOpen, listener.closes]).toEqual([true, []]);
    end.ping();
    await turns();

    expect(listener.closes).toEqual([[CODE.BROKEN, undefined]]);
  });

  it('keeps a connection whose peer sends anything at all', async () => {
    const { end, peer } = await openEnd();

    end.ping();
    end.ping();
    beginMessage(peer, 1_000, Buffer.from('a'));
    await turns();
    end.ping();
    await turns();

    expect(end.isOpen).toBe(true);
  });

  it('pauses a source until its own peer reads, and does not ping the source meanwhile', async () => {
    const [{ end, peer }, { end: source, peer: sender, listener: fromSender }] = [
      await openEnd(),
      await openEnd(),
    ];
    let pings = 0;
    sender.socket.on('ping', () => pings++);
    peer.socket.pause();
    for (let sent = 0; sent < 4; sent++) end.send(LARGE, true, source);

    jest.advanceTimersByTime(5_001);
    sender.socket.send('waits');
    source.ping();
    await turns();
    expect(source.isPausedLonger(performance.now(), 5_000)).toBe(true);
    expect([source.isPausedByItself, fromSender.messages, pings]).toEqual([false, [], 0]);

    peer.socket.resume();
    await turns(100);
    expect(source.isPausedLonger(performance.now(), 0)).toBe(false);
    expect(fromSender.messages).toEqual(['waits']);
  });

  it('reads one chunk ahead while it is paused, however many chunks come', async () => {
    const [{ end, peer }, { end: source, peer: sender, stream }] = [await openEnd(), await openEnd()];
    peer.socket.pause();
    for (let sent = 0; sent < 4; sent++) end.send(LARGE, true, source);

    for (let sent = 0; sent < 100; sent++) sender.stream.write(Buffer.from('x'));
    await turns(200);

    expect([stream.isPaused(), stream.readableLength]).toEqual([true, 1]);
  });

  it('pauses a peer that sends pings and does not read the pongs', async () => {
    const { end, peer } = await openEnd();
    const received = jest.fn();
    peer.socket.on('pong', received);
    peer.socket.pause();

    peer.stream.write(Buffer.concat(Array.from({ length: 2_000 }, () => PING)));
    await turns(200);
    jest.advanceTimersByTime(1);
    expect([end.isPausedLonger(performance.now(), 0), end.isPausedByItself]).toEqual([true, true]);

    peer.socket.resume();
    for (let turn = 0; received.mock.calls.length < 2_000 && turn < 20_000; turn++) await turns(1);
    expect(received).toHaveBeenCalledTimes(2_000);
    expect(end.isPausedLonger(performance.now(), 0)).toBe(false);
  });

  it('counts an incomplete message, with a kilobyte for each chunk, until it is complete', async () => {
    const { account, listener, peer } = await openEnd();

    beginMessage(peer, 10_000, Buffer.alloc(4_000));
    await turns();
    expect(account.bytes).toBe(4_000 + 1_024);
    peer.stream.write(Buffer.alloc(6_000));
    await turns();

    expect([account.bytes, listener.messages.length]).toEqual([0, 1]);
  });

  it('reads no more once there is no room for an incomplete message, and drops it', async () => {
    const { end, account, listener, peer, socket } = await openEnd(6_000);

    beginMessage(peer, 20_000, Buffer.alloc(4_000));
    await turns();
    expect([account.bytes, listener.evictions]).toEqual([5_024, 0]);
    peer.stream.write(Buffer.alloc(2_000));
    await turns();
    expect(listener.evictions).toBe(1);
    end.close({ code: CODE.TRY_AGAIN_LATER, reason: '' });
    expect(incompleteBytesOf(socket, 0)).toBe(6_000);
    end.drop();
    expect(incompleteBytesOf(socket, 0)).toBe(0);
    peer.stream.write(Buffer.alloc(14_000));
    await turns();

    expect([account.bytes, listener.messages]).toEqual([0, []]);
  });

  it('evicts its relay if the budget has no room for a frame, and does not send the frame', async () => {
    const [{ end, listener, peer }, { end: source }] = [await openEnd(1_000), await openEnd()];
    const received = jest.fn();
    peer.socket.on('message', received);

    end.send(Buffer.alloc(1_000), true, source);
    await turns();

    expect(listener.evictions).toBe(1);
    expect(received).not.toHaveBeenCalled();
  });

  it('finds a message that arrives for longer than the limit, below a kilobyte a second', async () => {
    const { end, peer } = await openEnd();
    const isTooSlow = (): boolean => end.isTooSlow(performance.now(), 5_000);
    beginMessage(peer, 100_000, Buffer.alloc(100));
    await turns();
    expect(isTooSlow()).toBe(false);

    jest.advanceTimersByTime(5_000);
    expect(isTooSlow()).toBe(false);
    jest.advanceTimersByTime(1_000);
    expect(isTooSlow()).toBe(true);
    peer.stream.write(Buffer.alloc(7_000));
    await turns();

    expect(isTooSlow()).toBe(false);
  });

  it('ends a connection that does not close after the end of its peer', async () => {
    const [{ end, listener, peer }, { end: source }] = [await openEnd(), await openEnd()];
    peer.socket.pause();
    end.send(LARGE, true, source);
    end.send(LARGE, true, source);
    await turns();
    peer.stream.end();
    await turns();

    jest.advanceTimersByTime(999);
    await turns();
    expect(listener.closes).toEqual([]);
    jest.advanceTimersByTime(1);
    await turns();

    expect(listener.closes).toEqual([[CODE.BROKEN, undefined]]);
  });

  it('reports the close code of the rule that a peer has broken', async () => {
    const { listener, peer } = await openEnd();

    // A frame without a mask.
    peer.stream.write(Buffer.from([0x81, 0x01, 0x61]));
    await turns();
    peer.stream.destroy();
    await turns();

    expect(listener.closes).toEqual([[expect.any(Number), CODE.PROTOCOL_ERROR]]);
  });
});
