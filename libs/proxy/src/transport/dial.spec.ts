import { once } from 'node:events';
import type { Socket } from 'node:net';
import { startRawService, type PlayedService } from '../../../../test/support/service.js';
import { dial, dialHttp, type Onread } from './dial.js';

const TIMEOUT_MS = 1_000;
const OPTIONS = { timeoutMs: TIMEOUT_MS };

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Waits for the end of a connection, which may have an error. */
const closed = (socket: Socket): Promise<unknown> => new Promise((resolve) => socket.once('close', resolve));

describe('a dialled connection', () => {
  let service: PlayedService;
  let socket: Socket;

  beforeEach(async () => {
    service = await startRawService((accepted) => accepted.on('data', () => accepted.write('hello')));
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'performance'] });
  });
  afterEach(async () => {
    jest.useRealTimers();
    socket.destroy();
    await service[Symbol.asyncDispose]();
  });

  const target = () => ({ host: '127.0.0.1', port: service.port });

  it('stays open after its timeout if it opened before, and leaves no timer', async () => {
    ({ socket } = dial(target(), OPTIONS));
    await once(socket, 'connect');

    expect(jest.getTimerCount()).toBe(0);
    jest.advanceTimersByTime(TIMEOUT_MS);
    await nextTurn();

    expect(socket.destroyed).toBe(false);
  });

  it('is destroyed with ETIMEDOUT if it is not open in time, and not before', async () => {
    // The service accepts the connection, and never ends the handshake of TLS.
    ({ socket } = dial(target(), { ...OPTIONS, secure: { rejectUnauthorized: false } }));
    let error: NodeJS.ErrnoException | undefined;
    socket.on('error', (thrown) => (error = thrown));
    await once(socket, 'connect');

    jest.advanceTimersByTime(TIMEOUT_MS - 1);
    await nextTurn();
    expect(socket.destroyed).toBe(false);
    jest.advanceTimersByTime(1);
    await closed(socket);

    expect(error?.code).toBe('ETIMEDOUT');
  });

  it('is open by the event of TCP, or by the end of the handshake', () => {
    const plain = dial(target(), OPTIONS);
    const secure = dial(target(), { ...OPTIONS, secure: {} });
    ({ socket } = plain);
    secure.socket.destroy();

    expect([plain.openEvent, secure.openEvent]).toEqual(['connect', 'secureConnect']);
  });

  it('is not given up if it opens in the turn in which its timeout ends', async () => {
    ({ socket } = dial(target(), OPTIONS));

    jest.advanceTimersByTime(TIMEOUT_MS);
    socket.emit('connect');
    await nextTurn();

    expect(socket.destroyed).toBe(false);
  });

  it('leaves no timer if it fails, and its error needs no listener', async () => {
    const gone = await startRawService(() => {});
    await gone[Symbol.asyncDispose]();

    ({ socket } = dial({ host: '127.0.0.1', port: gone.port }, OPTIONS));
    await closed(socket);

    expect([socket.destroyed, jest.getTimerCount()]).toEqual([true, 0]);
  });

  it('for HTTP reads into the buffer of its owner', async () => {
    const read = Promise.withResolvers<number>();
    const onread: Onread = {
      buffer: Buffer.alloc(10, '-'),
      callback: (length) => {
        read.resolve(length);
        return true;
      },
    };

    ({ socket } = dialHttp(target(), onread, OPTIONS));
    await once(socket, 'connect');
    socket.write('x');

    expect(await read.promise).toBe(5);
    expect(onread.buffer.toString()).toBe('hello-----');
  });
});
