import { createMemoryExchange } from '../../../../test/support/memory-exchange.js';
import type { Instance } from '../balancing/instance.js';
import type { ResponseHead } from '../transport/response-head.js';
import type {
  BodySource,
  CallConnection,
  UpstreamCall,
  UpstreamRequest,
} from '../transport/upstream-call.js';
import { Attempt, type AttemptListener } from './attempt.js';

const HEAD = { status: 200, headers: [] as string[] } as ResponseHead;
const STREAMED: BodySource = { isChunked: true, sendTo: () => {}, onDrain: () => {} };

/** A connection, or an instance, that records what it is told. */
class Recorded implements CallConnection {
  readonly told: string[] = [];
  readonly origin = 'http://a:80';
  isReused = false;

  dispatch(_call: UpstreamCall): void {
    this.told.push('dispatch');
  }

  dispatchFresh(_call: UpstreamCall): void {
    this.told.push('dispatch fresh');
  }

  pause(): void {
    this.told.push('pause');
  }

  resume(): void {
    this.told.push('resume');
  }

  cancel(): void {
    this.told.push('cancel');
  }
}

function createAttempt(body: UpstreamRequest['body'] = null) {
  const exchange = createMemoryExchange();
  const [instance, connection] = [new Recorded(), new Recorded()];
  const heard: unknown[] = [];
  const listener: AttemptListener = {
    onInterim: ({ status }) => heard.push(['interim', status]),
    onHead: ({ status }) => heard.push(['head', status]),
    onBody: (bytes, isLast) => heard.push(['body', bytes.toString(), isLast]),
    onEnd: (trailers) => heard.push(['end', trailers]),
    onError: ({ message }) => heard.push(['error', message]),
  };
  const request = { head: '', isHeadRequest: false, body };
  const attempt = new Attempt(exchange, instance as unknown as Instance, request, listener);
  return { exchange, instance, connection, attempt, heard };
}

describe('an attempt', () => {
  beforeEach(() => jest.useFakeTimers({ now: 0 }));
  afterEach(() => jest.useRealTimers());

  it('begins anew in the exchange: the next number, its instance, no time of the attempt before', () => {
    const { exchange } = createAttempt();
    Object.assign(exchange, { connectedAt: 1, sentAt: 2, responseAt: 3 });
    jest.advanceTimersByTime(1_000);
    const now = performance.now();

    new Attempt(
      exchange,
      { origin: 'http://b:80' } as Instance,
      { head: '', isHeadRequest: false, body: null },
      {} as never,
    );

    expect([exchange.attemptCount, exchange.instance]).toEqual([2, 'http://b:80']);
    expect([exchange.attemptedAt, exchange.connectedAt, exchange.sentAt, exchange.responseAt]).toEqual([
      now,
      0,
      0,
      0,
    ]);
  });

  it('goes over any connection of its instance, or over a fresh one', () => {
    for (const [isFresh, told] of [
      [false, 'dispatch'],
      [true, 'dispatch fresh'],
    ] as const) {
      const { attempt, instance } = createAttempt();

      attempt.start(isFresh);

      expect([instance.told, attempt.stage]).toEqual([[told], 'connect']);
    }
  });

  it.each([
    ['without a body', null],
    ['whose body is streamed', STREAMED],
    ['with a small body', Buffer.from('x')],
  ])('%s has its stages, each with its time', (_what, body) => {
    const { attempt, connection, exchange } = createAttempt(body);
    const begunAt = performance.now();
    connection.isReused = true;

    jest.advanceTimersByTime(10);
    attempt.onConnection(connection);
    expect(attempt.stage).toBe(body ? 'request_body' : 'response_headers');
    expect(exchange.reusedConnection).toBe(true);
    jest.advanceTimersByTime(100);
    attempt.onSent();

    expect(attempt.stage).toBe('response_headers');
    jest.advanceTimersByTime(1_000);
    attempt.onHead(HEAD);

    expect(attempt.stage).toBe('response_body');
    expect(exchange.connectedAt - begunAt).toBe(10);
    expect(exchange.sentAt - begunAt).toBe(body ? 110 : 10);
    expect(exchange.responseAt - begunAt).toBe(1_110);
  });

  it('whose response began before its body was sent stays in the response', () => {
    const { attempt, connection, exchange } = createAttempt(STREAMED);
    attempt.onConnection(connection);
    const { sentAt } = exchange;
    attempt.onHead(HEAD);

    jest.advanceTimersByTime(100);
    attempt.onSent();

    expect([attempt.stage, exchange.sentAt]).toEqual(['response_body', sentAt]);
  });

  it('hands its response on', () => {
    const { attempt, heard } = createAttempt();
    expect(attempt.hasResponse).toBe(false);

    attempt.onFirstByte();
    attempt.onInterim({ ...HEAD, status: 103 });
    attempt.onHead(HEAD);
    attempt.onBody(Buffer.from('a'), true);
    attempt.onEnd(['A', 'b']);
    attempt.onError(new Error('x'));

    expect(attempt.hasResponse).toBe(true);
    expect(heard).toEqual([
      ['interim', 103],
      ['head', 200],
      ['body', 'a', true],
      ['end', ['A', 'b']],
      ['error', 'x'],
    ]);
  });

  it('pauses and resumes its connection, if it has one', () => {
    const { attempt, connection } = createAttempt();
    attempt.pause();
    attempt.resume();
    attempt.onConnection(connection);

    attempt.pause();
    attempt.resume();

    expect(connection.told).toEqual(['pause', 'resume']);
  });
});

describe('an attempt that is given up', () => {
  it('is taken back from its instance while it waits for a connection', () => {
    const { attempt, instance, connection } = createAttempt();

    attempt.cancel();

    expect([instance.told, connection.told]).toEqual([['cancel'], []]);
  });

  it('ends its connection, and touches it no more', () => {
    const { attempt, instance, connection } = createAttempt();
    attempt.onConnection(connection);

    attempt.cancel();
    attempt.resume();

    expect([instance.told, connection.told]).toEqual([[], ['cancel']]);
  });

  it('behind its response leaves the connection to the next call', () => {
    const { attempt, connection } = createAttempt();
    attempt.onConnection(connection);
    attempt.onEnd([]);

    attempt.pause();
    attempt.resume();
    attempt.cancel();

    expect(connection.told).toEqual([]);
  });
});
