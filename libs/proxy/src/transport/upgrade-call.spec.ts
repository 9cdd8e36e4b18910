import type { Socket } from 'node:net';
import { startRawService, type PlayedService } from '../../../../test/support/service.js';
import { dialHttp } from './dial.js';
import type { ResponseHead } from './response-head.js';
import { UpgradeCall, type UpgradeListener } from './upgrade-call.js';

const REQUEST = 'GET / HTTP/1.1\r\nHost: caf\xe9\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n';
const ACCEPTING = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n';
const HEAD_LIMIT_BYTES = 1_000;

type Outcome =
  | { readonly upgrade: ResponseHead; readonly socket: Socket; readonly early: string }
  | { readonly refusal: ResponseHead; readonly body: string }
  | { readonly error: NodeJS.ErrnoException; readonly isConnected: boolean };

/** Keeps each outcome of a call. */
class Listener implements UpgradeListener {
  readonly outcomes: Outcome[] = [];
  private readonly settled = Promise.withResolvers<Outcome>();
  readonly first = this.settled.promise;

  onUpgrade(upgrade: ResponseHead, socket: Socket, early: Buffer): void {
    this.add({ upgrade, socket, early: early.toString('latin1') });
  }

  onRefusal(refusal: ResponseHead, body: Buffer): void {
    this.add({ refusal, body: body.toString('latin1') });
  }

  onError(error: Error, isConnected: boolean): void {
    this.add({ error, isConnected });
  }

  private add(outcome: Outcome): void {
    this.outcomes.push(outcome);
    this.settled.resolve(outcome);
  }
}

describe('a request for another protocol', () => {
  let service: PlayedService;
  let answer: (socket: Socket) => void;
  let received: string;
  let listener: Listener;
  let socket: Socket;

  beforeEach(async () => {
    received = '';
    service = await startRawService((accepted) => {
      accepted.once('data', (bytes: Buffer) => {
        received = bytes.toString('latin1');
        answer(accepted);
      });
    });
  });
  afterEach(async () => {
    socket.destroy();
    await service[Symbol.asyncDispose]();
  });

  function call(port = service.port): UpgradeCall {
    listener = new Listener();
    const opening = dialHttp({ host: '127.0.0.1', port }, undefined, { timeoutMs: 5_000 });
    ({ socket } = opening);
    return new UpgradeCall(opening, REQUEST, HEAD_LIMIT_BYTES, listener);
  }

  /** The only outcome, once the connection has closed. */
  async function outcome(): Promise<Outcome> {
    await listener.first;
    if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
    expect(listener.outcomes).toHaveLength(1);
    return listener.first;
  }

  it('goes out byte for byte, and gives its connection paused and without its listeners', async () => {
    answer = (accepted) => accepted.write(`HTTP/1.1 103 Early Hints\r\n\r\n${ACCEPTING}early`);
    call();

    expect(await listener.first).toMatchObject({ upgrade: { status: 101 }, socket, early: 'early' });

    expect(received).toBe(REQUEST);
    expect([socket.isPaused(), socket.listenerCount('data'), socket.listenerCount('close')]).toEqual([
      true,
      0,
      0,
    ]);
    socket.destroy();
    await outcome();
  });

  it.each([
    ['of a length', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nbody', 'body'],
    [
      'in chunks',
      'HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n',
      'body',
    ],
    ['up to the end of the connection', 'HTTP/1.1 403 Forbidden\r\n\r\nbody', 'body'],
    ['without bytes', 'HTTP/1.1 304 Not Modified\r\n\r\n', ''],
    [
      'of 64 KiB',
      `HTTP/1.1 403 Forbidden\r\nContent-Length: 65536\r\n\r\n${'a'.repeat(65_536)}`,
      'a'.repeat(65_536),
    ],
    [
      'of a byte more, which is not read',
      `HTTP/1.1 403 Forbidden\r\nContent-Length: 65537\r\n\r\n${'a'.repeat(65_537)}`,
      'a'.repeat(65_536),
    ],
  ])('has the refusal and its body %s', async (_body, response, body) => {
    answer = (accepted) => accepted.end(response);
    call();

    expect(await outcome()).toMatchObject({ refusal: { headers: expect.any(Array) }, body });
  });

  it.each([
    ['a status that is no refusal', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', 'ERR_INVALID_RESPONSE'],
    ['a 101 with a body', `${ACCEPTING.slice(0, -2)}Content-Length: 1\r\n\r\n`, 'ERR_INVALID_RESPONSE'],
    [
      'a head past its limit',
      `HTTP/1.1 101 OK\r\nX: ${'a'.repeat(HEAD_LIMIT_BYTES)}\r\n\r\n`,
      'ERR_INVALID_RESPONSE',
    ],
    ['half a head', 'HTTP/1.1 101 OK\r\n', 'ERR_CONNECTION_CLOSED'],
    ['half a body', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nbo', 'ERR_CONNECTION_CLOSED'],
  ])('fails with one error behind %s', async (_what, response, code) => {
    answer = (accepted) => accepted.end(response);
    call();

    expect(await outcome()).toMatchObject({ error: { code }, isConnected: true });
  });

  it('fails with the error of its connection', async () => {
    answer = (accepted) => accepted.resetAndDestroy();
    call();

    expect(await outcome()).toMatchObject({ error: { code: 'ECONNRESET' }, isConnected: true });
  });

  it('says that no connection opened', async () => {
    const { port } = service;
    await service[Symbol.asyncDispose]();
    call(port);

    expect(await outcome()).toMatchObject({ error: { code: 'ECONNREFUSED' }, isConnected: false });
  });

  it('ends with the error it is cancelled with, and its connection with it', async () => {
    const error = new Error('cancelled');

    call().cancel(error);

    expect(await outcome()).toEqual({ error, isConnected: false });
  });
});
