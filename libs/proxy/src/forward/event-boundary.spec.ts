import { EventBoundary } from './event-boundary.js';

describe('EventBoundary', () => {
  it.each([
    ['data: a\n\ndata: b\n\n', 9],
    ['data: a\r\n\r\ndata: b', 11],
    ['data: a\r\rdata: b', 9],
    ['data: a\n\r\ndata: b', 10],
    ['id: 1\ndata: a\n\n', 15],
    [': comment\n\n', 11],
    ['\n', 1],
    ['data: a\n', -1],
    ['data: a', -1],
    ['', -1],
  ])('in %j finds the end at %i', (text, end) => {
    expect(new EventBoundary().readEvent(Buffer.from(text), 0)).toBe(end);
  });

  it('finds one event after another, however its lines end', () => {
    for (const lineEnd of ['\n', '\r\n', '\r']) {
      const event = `id: 1${lineEnd}data: a${lineEnd}${lineEnd}`;
      const boundary = new EventBoundary();
      const bytes = Buffer.from(event.repeat(2));

      expect(boundary.readEvent(bytes, 0)).toBe(event.length);
      expect(boundary.readEvent(bytes, event.length)).toBe(bytes.length);
      expect(boundary.readEvent(bytes, bytes.length)).toBe(-1);
    }
  });

  it('counts the second byte of a CRLF that comes later to the event that it ends', () => {
    const boundary = new EventBoundary();
    expect(boundary.readEvent(Buffer.from('data: a\r\n\r'), 0)).toBe(10);
    expect(boundary.readEvent(Buffer.from('\ndata: b\r'), 0)).toBe(1);
    expect(boundary.readEvent(Buffer.from('\ndata: b\r'), 1)).toBe(-1);
    // That of a line is no end.
    expect(boundary.readEvent(Buffer.from('\nid: 1'), 0)).toBe(-1);
  });

  it('knows whether it stands between two events, however the bytes are cut', () => {
    for (const lineEnd of ['\n', '\r\n', '\r']) {
      const boundary = new EventBoundary();
      expect(boundary.isBetweenEvents).toBe(true);
      const text = `id: 1${lineEnd}data: a${lineEnd}${lineEnd}`;
      for (const character of text.slice(0, -lineEnd.length)) {
        boundary.readEvent(Buffer.from(character), 0);
        expect(boundary.isBetweenEvents).toBe(false);
      }
      for (const character of lineEnd) boundary.readEvent(Buffer.from(character), 0);
      expect(boundary.isBetweenEvents).toBe(true);
      boundary.readEvent(Buffer.from('d'), 0);
      expect(boundary.isBetweenEvents).toBe(false);
    }
  });
});
