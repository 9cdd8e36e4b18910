import { EventStream } from './event-stream.js';

const MARK = '\xef\xbb\xbf';
const LONG = 'x'.repeat(70_000);

const pass = (events: EventStream, text: string): string =>
  events.pass(Buffer.from(text, 'latin1')).toString('latin1');

describe('an event stream that cannot be resumed', () => {
  it('passes as it comes', () => {
    const events = new EventStream(false, '');
    expect(pass(events, 'id: 1\nda')).toBe('id: 1\nda');
    expect([events.isBetweenEvents, events.hasHalf]).toEqual([false, false]);
    expect(pass(events, 'ta: a\n\n')).toBe('ta: a\n\n');
    expect(events.isBetweenEvents).toBe(true);
  });

  it('ends behind the event in progress', () => {
    const events = new EventStream(false, '');
    pass(events, 'data: a\n\ndata');
    expect(events.endBehindEvent()).toBe(false);
    expect(pass(events, ': b\nid: 2\n')).toBe(': b\nid: 2\n');
    expect(events.isEnded).toBe(false);
    expect(pass(events, '\ndata: c\n\n')).toBe('\n');
    expect(events.isEnded).toBe(true);
  });
});

describe('an event stream that can be resumed', () => {
  it('passes event by event, however its bytes are cut', () => {
    for (const lineEnd of ['\n', '\r\n', '\r']) {
      const text = [1, 2, 3].map((id) => `id: ${id}${lineEnd}data: a${lineEnd}${lineEnd}`).join('');
      for (const length of [1, 2, 3, 7, 20, 100]) {
        const events = new EventStream(true, '');
        let passed = '';
        for (let at = 0; at < text.length; at += length) {
          passed += pass(events, text.slice(at, at + length));
          expect(passed === '' || /a[\r\n]+$/.test(passed)).toBe(true);
        }
        expect(passed + events.takeHalf().toString()).toBe(text);
        expect(events.lastEventId).toBe('3');
      }
    }
  });

  it('can end at any moment, without the half of an event that waits', () => {
    const events = new EventStream(true, '');
    expect(pass(events, 'id: 1\ndata: a\n\nid: 2\ndata')).toBe('id: 1\ndata: a\n\n');
    expect([events.hasHalf, events.isBetweenEvents, events.endBehindEvent()]).toEqual([true, true, true]);
  });

  it('takes a mark before a later event for a part of its field, also in the first read', () => {
    const events = new EventStream(true, '');
    pass(events, `${MARK}id: 1\ndata: a\n\n${MARK}id: 7\nretry: 1\n\n`);
    expect(events.lastEventId).toBe('1');
  });

  it('can end behind an event whose CRLF comes in two reads', () => {
    const events = new EventStream(true, '');
    expect(pass(events, 'data: a\r\n\r')).toBe('data: a\r\n\r');
    expect(pass(events, '\n')).toBe('\n');
    expect([events.hasHalf, events.endBehindEvent()]).toEqual([false, true]);
  });

  it('ends behind the event that waits, if its client could not ask for it', () => {
    const events = new EventStream(true, '');
    pass(events, 'data: a\n\ndata: b\n');
    expect(events.endBehindEvent()).toBe(false);
    expect(pass(events, '\ndata: c\n\n')).toBe('data: b\n\n');
    expect(events.isEnded).toBe(true);
  });

  it('goes on behind its last event, without the half that was there and without a second mark', () => {
    const events = new EventStream(true, '');
    expect(pass(events, `${MARK}id: 1\ndata: a\n\nid: 2\nda`)).toBe(`${MARK}id: 1\ndata: a\n\n`);
    expect(events.lastEventId).toBe('1');

    events.resume();

    expect(pass(events, `${MARK}id: 2\ndata: b\n\n`)).toBe('id: 2\ndata: b\n\n');
    expect(events.lastEventId).toBe('2');
  });

  it('begins with the id of its request', () => {
    expect(new EventStream(true, '41').lastEventId).toBe('41');
    expect(new EventStream(true, ' 41').lastEventId).toBe('');
  });

  it.each([
    ['an event without an id', 'data: b\n\n'],
    ['an empty id', 'id\ndata: b\n\n'],
    ['an id that cannot be sent', 'id: \u0001\ndata: b\n\n'],
    ['a long event', `id: 2\ndata: ${LONG}\n\n`],
  ])('has no position behind %s, until the next id', (_what, event) => {
    const events = new EventStream(true, '');
    pass(events, 'id: 1\ndata: a\n\n');
    pass(events, event.slice(0, -1));
    pass(events, event.slice(-1));
    expect(events.lastEventId).toBe('');
    pass(events, 'id: 3\ndata: c\n\n');
    expect(events.lastEventId).toBe('3');
  });

  it('keeps its position behind a comment and an event without data', () => {
    const events = new EventStream(true, '');
    pass(events, 'id: 1\ndata: a\n\n: ping\n\nretry: 5\n\n');
    expect(events.lastEventId).toBe('1');
  });

  it('lets no more than 64 KiB wait: a longer event passes as it comes, and ends behind its end', () => {
    const events = new EventStream(true, '');
    expect(pass(events, `id: 1\ndata: ${LONG.slice(0, 65_000)}`)).toBe('');
    expect(pass(events, LONG.slice(65_000))).toHaveLength('id: 1\ndata: '.length + LONG.length);
    expect([events.isBetweenEvents, events.endBehindEvent()]).toEqual([false, false]);
    expect(pass(events, 'xx')).toBe('xx');

    expect(pass(events, '\n\nid: 2\n')).toBe('\n\n');

    expect([events.isEnded, events.isBetweenEvents]).toEqual([true, true]);
  });
});
