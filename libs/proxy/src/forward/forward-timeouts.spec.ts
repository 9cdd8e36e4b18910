import type { ProxyException } from '../http/exceptions.js';
import { ForwardTimeouts, type TimedForward } from './forward-timeouts.js';

const TICK_MS = 500;
const LIMITS = {
  requestTimeoutMs: 5_000,
  responseHeadersTimeoutMs: 3_000,
  streamIdleTimeoutMs: 2_000,
  eventStreamIdleTimeoutMs: 60_000,
};

const NEW_EXCHANGE = { startedAt: 0, connectedAt: 0, sentAt: 0, requestBytes: 0, waitsForContinue: false };

interface Changes extends Pick<Partial<TimedForward>, 'isStream'> {
  readonly exchange?: Partial<typeof NEW_EXCHANGE>;
  readonly attempt?: { stage: string; hasResponse?: boolean; instance?: unknown };
  readonly body?: { isComplete: boolean; isPaused?: boolean };
  readonly buffering?: { isQueued: boolean };
  readonly isRetryable?: boolean;
  readonly waitsForClient?: boolean;
}

/** A forward that writes down what its timeouts do, with the time of the tick. */
function createForward({ exchange: begun, attempt, body, buffering, ...others }: Changes = {}) {
  const { isRetryable = true, isStream = false, waitsForClient = false } = others;
  const told: string[] = [];
  let now = 0;
  const exchange = { ...NEW_EXCHANGE, ...begun };
  const tell = (what: string): void => void told.push(`${what} at ${now}`);
  const forward = {
    exchange,
    options: { upstream: 'x', limits: LIMITS },
    body: body ? { ...body, tick: (elapsedMs: number) => tell(`body tick ${elapsedMs}`) } : null,
    buffering: buffering ? { ...buffering, tick: (at: number) => tell(`queue tick ${at}`) } : null,
    loop: {
      attempt: attempt && { hasResponse: false, instance: { health: { isUp: true } }, ...attempt },
      stage: attempt?.stage ?? 'connect',
      isRetryable,
      failAttempt: ({ stage, cause }: ProxyException) =>
        tell(`attempt fails (${stage}, ${(cause as Error).message})`),
      leaveInstance: () => tell('leaves'),
    },
    isStream,
    delivery: {
      backPressure: waitsForClient
        ? { isPaused: true, countAsSlowReader: () => tell('slow reader') }
        : undefined,
    },
    fail: ({ errorCode, stage, cause }: ProxyException) =>
      tell(`${errorCode} (${stage}, ${(cause as Error)?.message})`),
  } as unknown as TimedForward;
  const timeouts = new ForwardTimeouts(forward);
  const tick = (): void => timeouts.tick((now += TICK_MS), TICK_MS);
  /** Ticks until something is told, and for 100 s at most. */
  const first = (): string | undefined => {
    for (let each = 0; each < 200 && told.length === 0; each++) tick();
    return told[0];
  };
  return { forward, exchange, timeouts, told, tick, first };
}

const UNREACHED = { stage: 'response_headers', instance: { health: { isUp: false } } };

describe('the timeouts of a request without a body', () => {
  it.each([
    ['that has no attempt yet', {}, 'UPSTREAM_TIMEOUT (connect, request timeout) at 5500'],
    [
      'whose connection is opened',
      { attempt: { stage: 'connect' } },
      'UPSTREAM_TIMEOUT (connect, request timeout) at 5500',
    ],
    [
      'whose attempt has no response',
      { attempt: { stage: 'response_headers' }, exchange: { sentAt: 1_000 } },
      'attempt fails (response_headers, response headers timeout) at 4500',
    ],
    [
      'whose last attempt began late',
      { attempt: { stage: 'response_headers' }, exchange: { sentAt: 4_000 } },
      'UPSTREAM_TIMEOUT (response_headers, request timeout) at 5500',
    ],
    ['whose instance was ejected', { attempt: UNREACHED }, 'leaves at 1500'],
    [
      'whose instance was ejected after the first byte of a response',
      { attempt: { ...UNREACHED, hasResponse: true } },
      'attempt fails (response_headers, response headers timeout) at 3500',
    ],
  ])('%s', (_what, changes: Changes, told) => {
    expect(createForward(changes).first()).toBe(told);
  });
});

describe('the timeouts of a request with a body', () => {
  it('leave a request of the queue to its buffering', () => {
    const { first } = createForward({ buffering: { isQueued: true }, body: { isComplete: false } });

    expect(first()).toBe('queue tick 500 at 500');
  });

  it.each([
    ['connect', 'while a request that may be retried is read'],
    ['request_body', 'while the body is sent'],
  ])('hold the client to the minimum rate at %s, %s', (stage) => {
    const { told, tick } = createForward({ attempt: { stage }, body: { isComplete: false } });

    for (let each = 0; each < 20; each++) tick();

    expect(told).toHaveLength(20);
    expect(new Set(told.map((what) => what.split(' at ')[0]))).toEqual(new Set(['body tick 500']));
  });

  it.each([
    ['begun', { attempt: { stage: 'connect' } }],
    ['none', {}],
  ])('wait for the connection of a request whose body is not read before: attempt %s', (_what, attempt) => {
    const { first } = createForward({
      ...attempt,
      body: { isComplete: false },
      isRetryable: false,
    });

    expect(first()).toBe('UPSTREAM_TIMEOUT (connect, request timeout) at 5500');
  });

  it('end a request whose body the service does not take', () => {
    const { exchange, told, tick } = createForward({
      attempt: { stage: 'request_body' },
      body: { isComplete: false, isPaused: true },
    });
    for (let each = 0; each < 8; each++) {
      exchange.requestBytes++;
      tick();
    }
    while (told.every((what) => what.startsWith('body tick'))) tick();

    expect(told.at(-1)).toBe('UPSTREAM_TIMEOUT (request_body, request body not taken) at 6500');
  });

  it('begin the request timeout at the end of the body', () => {
    const { forward, exchange, told, tick, first } = createForward({
      attempt: { stage: 'request_body' },
      body: { isComplete: false },
    });
    for (let each = 0; each < 20; each++) {
      exchange.requestBytes++;
      tick();
    }
    told.length = 0;

    Object.assign(forward.body!, { isComplete: true });

    expect(first()).toBe('UPSTREAM_TIMEOUT (request_body, request timeout) at 15500');
  });

  it('limit the time until a service lets the client send its body', () => {
    const { first } = createForward({
      attempt: { stage: 'request_body' },
      body: { isComplete: false },
      exchange: { waitsForContinue: true, connectedAt: 1_000 },
    });

    expect(first()).toBe('attempt fails (request_body, response headers timeout) at 4500');
  });
});

describe('the timeouts of a response', () => {
  const attempt = { stage: 'response_body' };
  const IDLE = 'UPSTREAM_TIMEOUT (response_body, response body idle)';

  it.each([
    ['that makes no progress', {}, `${IDLE} at 2500`],
    ['of events', { isStream: true }, `${IDLE} at 60500`],
    [
      'that its client does not read',
      { waitsForClient: true },
      'CLIENT_STALLED (response_body, undefined) at 2500',
    ],
    [
      'of events that its client does not read',
      { isStream: true, waitsForClient: true },
      'slow reader at 10500',
    ],
  ])('%s', (_what, changes: Changes, told) => {
    expect(createForward({ attempt, ...changes }).first()).toBe(told);
  });

  it('begin anew with each progress', () => {
    const { timeouts, tick, first } = createForward({ attempt });
    for (let each = 0; each < 20; each++) {
      timeouts.progressed();
      tick();
    }

    expect(first()).toBe(`${IDLE} at 12500`);
  });

  it.each([
    [false, `${IDLE} at 12500`],
    [true, 'CLIENT_STALLED (response_body, undefined) at 2500'],
  ])('count the upload as progress, unless the client does not read: %s', (waitsForClient, end) => {
    const { exchange, told, tick } = createForward({ attempt, body: { isComplete: false }, waitsForClient });
    while (told.every((what) => what.startsWith('body tick'))) {
      if (told.length < 20) exchange.requestBytes++;
      tick();
    }

    expect(told.at(-1)).toBe(end);
  });
});
