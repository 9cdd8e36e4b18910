import { once } from 'node:events';
import type { Socket } from 'node:net';
import { startGateway } from '../support/gateway.js';
import { untilBuffered } from '../support/metrics.js';
import { startRawService } from '../support/service.js';
import {
  acceptingAnswer,
  frame,
  OPCODE,
  openRawSocket,
  openSocket,
  SIGNALING,
  startSocketService,
} from '../support/websocket.js';

/** More of the smallest frames than one chunk of 64 KiB holds from a client, whose frames have six bytes. */
const FRAMES = 20_000;

/** The most frames of one socket in a turn. */
const FRAMES_PER_TURN = 64;

/** Counts the turns of this process' event loop, which is the gateway's too. */
class TurnCounter implements Disposable {
  turns = 0;
  private immediate = setImmediate(() => this.next());

  [Symbol.dispose](): void {
    clearImmediate(this.immediate);
  }

  private next(): void {
    this.turns++;
    this.immediate = setImmediate(() => this.next());
  }
}

/** A service that sends these frames at once when the client has sent something. */
function startFlooding(...frames: readonly Buffer[]) {
  return startRawService((socket) => {
    socket.once('data', (head: Buffer) => {
      socket.write(acceptingAnswer(head));
      socket.once('data', () => socket.write(Buffer.concat(frames)));
    });
  });
}

function many(opcode: number, masked: boolean, count = FRAMES): Buffer {
  return Buffer.concat(Array.from({ length: count }, () => frame(opcode, '', { masked })));
}

describe('frames that come all at once', () => {
  it.each([
    ['messages', OPCODE.text],
    ['pings', OPCODE.ping],
    ['pongs', OPCODE.pong],
  ])('are handled over many turns, in order: %s of a service', async (_what, opcode) => {
    const last = frame(OPCODE.text, 'last', { masked: false });
    await using service = await startFlooding(many(opcode, false), last);
    await using gateway = await startGateway({ env: { VIDEO_SERVICE_URL: service.url } });
    await using client = await openSocket(gateway, SIGNALING);
    using counter = new TurnCounter();

    client.send('go');
    await client.until(() => client.messages.at(-1) === 'last');

    expect(client.messages).toHaveLength(opcode === OPCODE.text ? FRAMES + 1 : 1);
    // What waited for its turn counts as held until then, and no longer.
    await untilBuffered(gateway, (bytes) => bytes === 0);
    expect(counter.turns).toBeGreaterThanOrEqual(FRAMES / FRAMES_PER_TURN);
  });

  it('are handled over many turns, in order: pings of a client', async () => {
    await using service = await startSocketService();
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, WEBSOCKET_MAX_MESSAGES_PER_SECOND: '100000' },
    });
    await using client = await openRawSocket(gateway, service);
    using counter = new TurnCounter();

    client.write(Buffer.concat([many(OPCODE.ping, true), frame(OPCODE.text, 'last')]));

    expect(await client.peer.received(1)).toEqual(['last']);
    expect(counter.turns).toBeGreaterThanOrEqual(FRAMES / FRAMES_PER_TURN);
  });

  it('leave in one write for each turn', async () => {
    await using service = await startFlooding(many(OPCODE.text, false, 1_000));
    await using gateway = await startGateway({ env: { VIDEO_SERVICE_URL: service.url } });
    const upgraded = once(gateway.app.getHttpServer(), 'upgrade');
    await using client = await openSocket(gateway, SIGNALING);
    const [, socket] = (await upgraded) as [unknown, Socket];
    const single = jest.spyOn(socket, '_write');
    const joined = jest.spyOn(socket, '_writev');

    client.send('go');
    await client.received(1_000);

    // One more for the first frame of a chunk, which waits for no other.
    expect(single.mock.calls.length + joined.mock.calls.length).toBeLessThan(50);
  });

  it('are all passed on, though the service ends right behind them', async () => {
    const end = frame(OPCODE.close, Buffer.of(0x0f, 0xa0), { masked: false });
    await using service = await startFlooding(many(OPCODE.text, false, 1_000), end);
    await using gateway = await startGateway({ env: { VIDEO_SERVICE_URL: service.url } });
    await using client = await openSocket(gateway, SIGNALING);

    client.send('go');

    expect(await client.closed).toMatchObject({ code: 4000 });
    expect(client.messages).toHaveLength(1_000);
  });

  it('are all passed on, though the service breaks the connection behind them', async () => {
    const messages = many(OPCODE.text, false, 1_000);
    await using service = await startRawService((socket) => {
      socket.once('data', (head: Buffer) => {
        socket.write(acceptingAnswer(head));
        socket.once('data', () => socket.end(messages));
      });
    });
    await using gateway = await startGateway({ env: { VIDEO_SERVICE_URL: service.url } });
    await using client = await openSocket(gateway, SIGNALING);

    client.send('go');

    expect(await client.closed).toMatchObject({ code: 1012 });
    expect(client.messages).toHaveLength(1_000);
  });
});
