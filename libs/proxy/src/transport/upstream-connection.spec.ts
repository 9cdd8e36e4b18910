import { MemoryUpstream } from '../../../../test/support/memory-upstream.js';
import { TestBodySource } from './body-source.testing.js';
import type { ResponseHead } from './response-head.js';
import type { CallConnection, UpstreamCall, UpstreamRequest } from './upstream-call.js';
import { UpstreamConnection, type ConnectionOwner } from './upstream-connection.js';

const HEAD = 'GET / HTTP/1.1\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const GET: UpstreamRequest = { head: HEAD, isHeadRequest: false, body: null };

/** A call that records its events. */
class Call implements UpstreamCall {
  readonly events: string[] = [];
  connection!: CallConnection;
  onHeadHook: (() => void) | undefined;
  onBodyHook: (() => void) | undefined;

  constructor(readonly request: UpstreamRequest = GET) {}

  onConnection(connection: CallConnection): void {
    this.connection = connection;
    this.events.push(connection.isReused ? 'reused connection' : 'connection');
  }

  onSent(): void {
    this.events.push('sent');
  }

  onFirstByte(): void {
    this.events.push('first byte');
  }

  onInterim({ status }: ResponseHead): void {
    this.events.push(`interim ${status}`);
  }

  onHead({ status }: ResponseHead): void {
    this.events.push(`head ${status}`);
    this.onHeadHook?.();
  }

  onBody(bytes: Buffer): void {
    this.events.push(`body ${bytes.toString()}`);
    this.onBodyHook?.();
  }

  onEnd(trailers: readonly string[]): void {
    this.events.push(`end ${trailers.join()}`.trim());
  }

  onError(error: Error): void {
    this.events.push(`error ${(error as NodeJS.ErrnoException).code}`);
  }
}

function connect() {
  const owned: string[] = [];
  const owner: ConnectionOwner = {
    onOpen: () => owned.push('open'),
    onFree: () => owned.push('free'),
    onClosed: (_connection, error: NodeJS.ErrnoException | undefined) =>
      owned.push(`closed ${error?.code ?? ''}`.trim()),
  };
  let upstream!: MemoryUpstream;
  const connection = new UpstreamConnection(
    (onread) => (upstream = new MemoryUpstream(onread)).opened,
    1_000,
    owner,
  );
  upstream.open();
  const start = (request?: UpstreamRequest): Call => {
    const call = new Call(request);
    connection.start(call);
    return call;
  };
  return { connection, upstream, owned, start };
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a connection', () => {
  it('carries one request after another', () => {
    const { upstream, owned, start } = connect();
    const first = start();
    expect(upstream.sent).toBe(HEAD);
    upstream.send(OK);

    const second = start();
    upstream.send(OK.slice(0, 20));
    upstream.send(OK.slice(20));

    expect(first.events).toEqual(['connection', 'sent', 'first byte', 'head 200', 'body ok', 'end']);
    expect(second.events).toEqual(['reused connection', 'sent', 'first byte', 'head 200', 'body ok', 'end']);
    expect(owned).toEqual(['open', 'free', 'free']);
    expect(upstream.sent).toBe(HEAD + HEAD);
  });

  it('is read no further while its call is paused, and is free for the next one after that', () => {
    const { upstream, start, owned } = connect();
    const call = start();
    call.onBodyHook = () => call.connection.pause();
    upstream.send(OK.slice(0, -1));
    expect(upstream.isReadPaused).toBe(true);
    call.connection.resume();
    expect(upstream.isReadPaused).toBe(false);

    // Paused by the last bytes.
    upstream.send('k');

    expect([upstream.isReadPaused, owned.at(-1)]).toEqual([false, 'free']);
  });
});

describe('a connection over TLS', () => {
  it('is read for the next request, though the rest of a response came while its reader was paused', () => {
    const { upstream, start } = connect();
    const call = start();
    call.onBodyHook = () => call.connection.pause();
    upstream.send(OK.slice(0, -1));
    expect(upstream.isReadPaused).toBe(true);

    // Node hands on what it has decrypted, paused or not.
    upstream.send('k');
    expect(upstream.isReadPaused).toBe(false);

    const next = start();
    upstream.send(OK);
    expect(next.events.at(-1)).toBe('end');
  });
});

describe('a connection is closed', () => {
  it.each([
    'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n',
    'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n',
    'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n',
  ])('behind a response without a body that announces one: %j', (text) => {
    const { upstream, owned, start } = connect();
    const { events } = start();

    upstream.send(text);

    expect([events.at(-1), owned.at(-1)]).toEqual(['end', 'closed']);
  });

  it.each([
    ['says that it closes', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'],
    [
      'keeps it for less than a second',
      'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 0\r\n\r\n',
    ],
    ['sends a byte too many', `${OK}x`],
    ['sends a line end too many', `${OK}\r\n`],
    ['sends another response', OK + OK],
  ])('behind a response whose service %s', (_what, text) => {
    const { upstream, owned, start } = connect();
    const { events } = start();

    upstream.send(text);

    expect(events.at(-1)).toBe('end');
    expect(owned).toEqual(['open', 'closed']);
    expect(upstream.destroyed).toBe(true);
  });

  it('behind a response to HEAD', () => {
    const { upstream, owned, start } = connect();
    const { events } = start({ ...GET, isHeadRequest: true });

    upstream.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n');

    expect([events.at(-1), owned.at(-1)]).toEqual(['end', 'closed']);
  });

  it('behind a response that came before the request was sent', () => {
    const { upstream, owned, start } = connect();
    const body = new TestBodySource();
    const { events } = start({ head: HEAD, isHeadRequest: false, body });

    upstream.send(OK);

    expect([events.at(-1), owned.at(-1)]).toEqual(['end', 'closed']);
    expect(body.sink.writeBody(Buffer.from('x'))).toBe(true);
    expect(upstream.sent).toBe(HEAD);
  });

  it('behind a response at whose end the request is not sent, though the rest of it comes then', () => {
    const { upstream, owned, start } = connect();
    const body = new TestBodySource();
    const call = start({ head: HEAD, isHeadRequest: false, body });
    call.onEnd = () => body.sink.endBody([]);

    upstream.send(OK);

    expect([call.events.includes('sent'), owned.at(-1)]).toEqual([false, 'closed']);
  });

  it.each(['bytes', 'its end', 'a reset'])('when %s comes that nobody has asked for', async (what) => {
    const { upstream, owned, start } = connect();
    start();
    upstream.send(OK);

    if (what === 'bytes') upstream.send('x');
    else if (what === 'its end') upstream.sendEnd();
    else upstream.reset();
    await nextTurn();

    expect(owned.map((event) => event.split(' ')[0])).toEqual(['open', 'free', 'closed']);
  });

  it('when its call is cancelled, which hears nothing more', async () => {
    const { upstream, owned, start } = connect();
    const call = start();
    call.onHeadHook = () => call.connection.cancel();

    upstream.send(OK);
    await nextTurn();

    expect(call.events.at(-1)).toBe('head 200');
    expect(owned).toEqual(['open', 'closed']);
  });

  it('when its call is cancelled within its upload, which is not sent then', () => {
    const { upstream, start } = connect();
    const body = new TestBodySource();
    const call = start({ head: HEAD, isHeadRequest: false, body });

    call.connection.cancel();
    body.sink.endBody([]);

    expect([call.events, upstream.destroyed]).toEqual([['connection'], true]);
  });
});

describe('a response', () => {
  it.each([
    ['a part of its head', OK.slice(0, 10)],
    ['a part of its body', OK.slice(0, -1)],
    ['nothing', ''],
  ])('that ends after %s is an error', async (_what, text) => {
    const { upstream, start } = connect();
    const { events } = start();
    if (text !== '') upstream.send(text);

    upstream.sendEnd();
    await nextTurn();

    expect(events.at(-1)).toBe('error ERR_CONNECTION_CLOSED');
  });

  it('without framing ends with the connection, but not with a reset', async () => {
    for (const [act, last] of [
      ['sendEnd', 'end'],
      ['reset', 'error ECONNRESET'],
    ] as const) {
      const { upstream, start } = connect();
      const { events } = start();
      upstream.send('HTTP/1.1 200 OK\r\n\r\nall');

      upstream[act]();
      await nextTurn();

      expect(events.slice(-2)).toEqual(['body all', last]);
    }
  });

  it('is read to its end though the upload fails', async () => {
    const { upstream, owned, start } = connect();
    const body = new TestBodySource();
    const { events } = start({ head: HEAD, isHeadRequest: false, body });
    upstream.failsWrites = true;

    body.sink.writeBody(Buffer.from('x'));
    await nextTurn();
    upstream.send(OK.replace('200', '413'));

    expect(events.slice(-3)).toEqual(['head 413', 'body ok', 'end']);
    expect(owned.at(-1)).toBe('closed');
  });

  it('that is not HTTP is an error, and the connection is closed', () => {
    const { upstream, owned, start } = connect();
    const { events } = start();

    upstream.send('SSH-2.0-x\r\n');

    expect([events.at(-1), owned.at(-1)]).toEqual([
      'error ERR_INVALID_RESPONSE',
      'closed ERR_INVALID_RESPONSE',
    ]);
  });
});
