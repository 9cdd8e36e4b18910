import type { ServerResponse } from 'node:http';
import { EventStream } from './event-stream.js';
import { Heartbeat } from './heartbeat.js';

/** A stream, what its client gets, and ticks of a quarter of a second. */
function openStream(isResumable = false) {
  const sent: string[] = [];
  const response = {
    writableLength: 0,
    writableEnded: false,
    write: (text: string) => sent.push(text),
  };
  const events = new EventStream(isResumable, '');
  const heartbeat = new Heartbeat(response as unknown as ServerResponse, events, 15_000);
  const wait = (ms: number): void => {
    for (const until = performance.now() + ms; performance.now() < until;) {
      jest.advanceTimersByTime(250);
      heartbeat.tick(performance.now());
    }
  };
  const pass = (text: string): string => events.pass(Buffer.from(text)).toString();
  return { sent, response, wait, pass };
}

describe('the heartbeat of an event stream', () => {
  beforeEach(() => jest.useFakeTimers({ now: 0 }));
  afterEach(() => jest.useRealTimers());

  it('is a comment after each 15 s of silence', () => {
    const { sent, wait } = openStream();
    wait(14_750);
    expect(sent).toEqual([]);
    wait(250);
    expect(sent).toEqual([':\n\n']);
    wait(14_750);
    expect(sent).toHaveLength(1);
    wait(250);
    expect(sent).toHaveLength(2);
  });

  it('waits for 15 s after the last bytes', () => {
    const { sent, wait, pass } = openStream();
    wait(14_000);
    pass('data: a\n\n');
    wait(15_000);
    expect(sent).toEqual([]);
    wait(500);
    expect(sent).toHaveLength(1);
  });

  it('is never within an event', () => {
    const { sent, wait, pass } = openStream();
    pass('data: a\n');
    wait(60_000);
    expect(sent).toEqual([]);
    pass('\n');
    wait(15_250);
    expect(sent).toHaveLength(1);
  });

  it('passes an event that waits for its end, but not one of which the client has a part', () => {
    const { sent, wait, pass } = openStream(true);
    pass('id: 1\ndata: a');
    wait(15_000);
    expect(sent).toHaveLength(1);
    pass('x'.repeat(70_000));
    wait(60_000);
    expect(sent).toHaveLength(1);
  });

  it('is not added to bytes that the client does not read, nor behind the end', () => {
    const { sent, wait, response } = openStream();
    response.writableLength = 100;
    wait(60_000);
    Object.assign(response, { writableLength: 0, writableEnded: true });
    wait(60_000);
    expect(sent).toEqual([]);
  });

  it('leaves no byte order mark behind it', () => {
    const { wait, pass } = openStream();
    wait(15_000);
    expect(pass('\ufeffdata: a\n\n')).toBe('data: a\n\n');
  });
});
