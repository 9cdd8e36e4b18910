import { MemoryUpstream } from '../../../../test/support/memory-upstream.js';
import { TestBodySource } from './body-source.testing.js';
import { RequestWriter } from './request-writer.js';
import type { UpstreamCall, UpstreamRequest } from './upstream-call.js';

const HEAD = 'POST / HTTP/1.1\r\n\r\n';

function createWriter() {
  const upstream = new MemoryUpstream({ buffer: Buffer.alloc(0), callback: () => true });
  const errors: (string | undefined)[] = [];
  const writer = new RequestWriter(upstream.opened.socket, (error: NodeJS.ErrnoException) => {
    errors.push(error.code);
  });
  let sent = 0;
  const write = (body: UpstreamRequest['body']): void => {
    writer.write({
      request: { head: HEAD, isHeadRequest: false, body },
      onSent: () => sent++,
    } as unknown as UpstreamCall);
  };
  return { upstream, writer, write, errors, countSent: () => sent };
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a request', () => {
  it('without a body is sent with its head', () => {
    const { upstream, writer, write, countSent } = createWriter();

    write(null);

    expect([upstream.sent, writer.isSent, countSent()]).toEqual([HEAD, true, 1]);
  });

  it('with a small body goes out in one write, each byte as it is', () => {
    const { upstream, write, countSent } = createWriter();
    const body = Buffer.from(Array.from({ length: 16 * 1024 }, (_, index) => index % 256));

    write(body);

    expect(upstream.sent).toBe(HEAD + body.toString('latin1'));
    expect([upstream.writes, countSent()]).toEqual([1, 1]);
  });

  it('with a larger body goes out whole too', () => {
    const { upstream, write, countSent } = createWriter();
    const body = Buffer.from(Array.from({ length: 16 * 1024 + 1 }, (_, index) => index % 256));

    write(body);

    expect(upstream.sent).toBe(HEAD + body.toString('latin1'));
    expect(countSent()).toBe(1);
  });

  it('with a streamed body has its head before the first byte, and is sent with the last', () => {
    const { upstream, writer, write, countSent } = createWriter();
    const body = new TestBodySource();

    write(body);
    expect([upstream.sent, writer.isSent, countSent()]).toEqual([HEAD, false, 0]);
    body.sink.writeBody(Buffer.from('ab'));
    body.sink.writeBody(Buffer.from('c'));
    body.sink.endBody(['A', 'ignored']);

    expect([upstream.sent, writer.isSent, countSent()]).toEqual([`${HEAD}abc`, true, 1]);
  });

  it('without a length has its body in chunks, each in one write, and its trailers', () => {
    const { upstream, write } = createWriter();
    const body = new TestBodySource(true);
    write(body);

    body.sink.writeBody(Buffer.from('x'.repeat(26)));
    expect(upstream.writes).toBe(2);
    body.sink.endBody(['A', 'b', 'C', 'caf\xe9']);

    expect(upstream.sent).toBe(`${HEAD}1a\r\n${'x'.repeat(26)}\r\n0\r\nA: b\r\nC: caf\xe9\r\n\r\n`);
  });

  it.each([true, false])(
    'waits while its connection takes no more, and goes on then (chunked: %s)',
    async (isChunked) => {
      const { upstream, write } = createWriter();
      const body = new TestBodySource(isChunked);
      upstream.isStalled = true;
      write(body);

      expect(body.sink.writeBody(Buffer.alloc(100_000))).toBe(false);
      await nextTurn();
      expect(body.drains).toBe(0);
      upstream.takeMore();
      await nextTurn();

      expect(body.drains).toBe(1);
    },
  );

  it('that is over discards the rest of its body, and was not sent', async () => {
    const { upstream, writer, write, countSent } = createWriter();
    const body = new TestBodySource(true);
    upstream.isStalled = true;
    write(body);
    body.sink.writeBody(Buffer.alloc(100_000));

    writer.stop();
    upstream.takeMore();
    await nextTurn();
    const before = upstream.sent;

    expect(body.sink.writeBody(Buffer.from('x'))).toBe(true);
    body.sink.endBody([]);
    expect(upstream.sent).toBe(before);
    expect([body.drains, writer.isSent, countSent()]).toEqual([0, false, 0]);
  });

  it('whose writes fail tells the first failure only, and can go on', async () => {
    const { upstream, write, errors, countSent } = createWriter();
    const body = new TestBodySource();
    write(body);
    upstream.failsWrites = true;

    body.sink.writeBody(Buffer.from('x'));
    body.sink.writeBody(Buffer.from('y'));
    body.sink.endBody([]);
    await nextTurn();

    expect([errors, upstream.destroyed, countSent()]).toEqual([['EPIPE'], false, 1]);
  });
});
