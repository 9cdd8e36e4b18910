import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { announcedLengthOf, checkAnnouncedLength, hasBody, mayBeBuffered } from './announced-body.js';

const requestOf = (headers: IncomingHttpHeaders): IncomingMessage => ({ headers }) as IncomingMessage;

describe('the announced body of a request', () => {
  it.each([
    [{}, false, undefined, true],
    [{ 'content-length': '0' }, false, 0, true],
    [{ 'content-length': '1' }, true, 1, true],
    [{ 'content-length': '65536' }, true, 65_536, true],
    [{ 'content-length': '65537' }, true, 65_537, false],
    [{ 'transfer-encoding': 'chunked' }, true, undefined, true],
  ])('of %j: is there %s, length %s, may be buffered %s', (headers, isThere, length, mayBe) => {
    const request = requestOf(headers);

    expect([hasBody(request), announcedLengthOf(request), mayBeBuffered(request)]).toEqual([
      isThere,
      length,
      mayBe,
    ]);
  });

  it('is too large above the limit, if it has a length', () => {
    expect(() => checkAnnouncedLength(requestOf({ 'content-length': '11' }), 10)).toThrow(
      expect.objectContaining({ errorCode: 'BODY_TOO_LARGE' }),
    );
    expect(() => checkAnnouncedLength(requestOf({ 'content-length': '10' }), 10)).not.toThrow();
    expect(() => checkAnnouncedLength(requestOf({ 'transfer-encoding': 'chunked' }), 10)).not.toThrow();
  });
});
