import { InterimFilter } from './interim-filter.js';

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';
const PROCESSING = 'HTTP/1.0 102 Processing\r\nX: 1\r\n\r\n';
const HINTS = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';
const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n';
const FINAL = `HTTP/1.1 200 OK\r\nContent-Length: ${CONTINUE.length}\r\n\r\n${CONTINUE}`;

/** What is left of bytes that come in reads of a size. */
function filtered(text: string, size = text.length, limit = 1_000): string {
  const filter = new InterimFilter(limit);
  filter.expectResponse();
  let left = '';
  for (let at = 0; at < text.length; at += size) {
    left += filter.filter(Buffer.from(text.slice(at, at + size), 'latin1')).toString('latin1');
  }
  return left;
}

describe('InterimFilter', () => {
  const CASES: readonly [string, string, string][] = [
    ['a response alone', FINAL, FINAL],
    ['an unasked 100', CONTINUE + FINAL, FINAL],
    ['several', CONTINUE + PROCESSING + CONTINUE + FINAL, FINAL],
    ['early hints between others', CONTINUE + HINTS + PROCESSING + FINAL, HINTS + FINAL],
    ['two early hints', HINTS + HINTS + FINAL, HINTS + HINTS + FINAL],
    ['101', CONTINUE + SWITCHING, SWITCHING],
    ['an unknown one', `HTTP/1.1 199 Odd\r\n\r\n${FINAL}`, FINAL],
    ['what is no HTTP', 'HTTP/2.0 100 Continue\r\n\r\n', 'HTTP/2.0 100 Continue\r\n\r\n'],
    ['garbage', '\x16\x03\x01', '\x16\x03\x01'],
  ];

  it.each(CASES)('of %s leaves what undici must read, however it is split', (_what, sent, left) => {
    for (let size = 1; size <= sent.length; size++)
      expect([size, filtered(sent, size)]).toEqual([size, left]);
  });

  it('looks at nothing behind the response until the next request', () => {
    const filter = new InterimFilter(1_000);
    filter.expectResponse();
    filter.filter(Buffer.from(FINAL));

    expect(filter.filter(Buffer.from(CONTINUE)).toString()).toBe(CONTINUE);
    filter.expectResponse();
    expect(filter.filter(Buffer.from(CONTINUE + FINAL)).toString()).toBe(FINAL);
  });

  it('keeps no more of a head than its limit', () => {
    const endless = `HTTP/1.1 100 ${'x'.repeat(200)}`;

    expect(filtered(endless, 10, 100)).toBe(endless.slice(0, 213));
  });

  it('keeps its own copy of what is unfinished', () => {
    const filter = new InterimFilter(1_000);
    filter.expectResponse();
    const shared = Buffer.from(FINAL.slice(0, 8));
    filter.filter(shared);
    shared.fill(0);

    expect(filter.filter(Buffer.from(FINAL.slice(8))).toString()).toBe(FINAL);
  });
});
