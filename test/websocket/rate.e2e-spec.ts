import { once } from 'node:events';
import { startGateway, type RunningGateway } from '../support/gateway.js';
import { bufferedBytes, untilBuffered } from '../support/metrics.js';
import { moduleOf, OTHER } from '../support/websocket-module.js';
import {
  closeCodeOf,
  echo,
  frame,
  OPCODE,
  openRawSocket,
  openSocket,
  rawHandshake,
  startSocketService,
  type SocketService,
} from '../support/websocket.js';

const MIB = 1024 * 1024;

/** A gateway in front of a service, whose clients may send this many messages a second. */
function startLimited(
  service: SocketService,
  perSecond: number,
  env: Record<string, string> = {},
): Promise<RunningGateway> {
  return startGateway({
    env: { CHAT_SERVICE_URL: service.url, WEBSOCKET_MAX_MESSAGES_PER_SECOND: String(perSecond), ...env },
  });
}

function repeat(count: number, ...one: Parameters<typeof frame>): Buffer {
  return Buffer.concat(Array.from({ length: count }, () => frame(...one)));
}

/** Numbers, each a text frame. */
function numbers(count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, number) => frame(OPCODE.text, String(number))));
}

function upTo(count: number): string[] {
  return Array.from({ length: count }, (_, number) => String(number));
}

describe('a client that sends faster than its rate', () => {
  it('gets all its messages through in order, at the rate, and an echo of each', async () => {
    await using service = await startSocketService(echo);
    await using gateway = await startLimited(service, 200);
    await using client = await openSocket(gateway);
    const begun = performance.now();

    for (let each = 0; each < 600; each++) client.send(String(each));

    expect(await client.received(600)).toEqual(upTo(600));
    // 400 at once, and 200 at 200 a second.
    expect(performance.now() - begun).toBeGreaterThan(900);
    expect((await service.connection(0)).messages).toEqual(upTo(600));
    await untilBuffered(gateway, (bytes) => bytes === 0);
  });

  it('is read no further than its messages pass, whatever it sends', async () => {
    await using service = await startSocketService();
    await using gateway = await startLimited(service, 10);
    await using client = await openRawSocket(gateway, service);
    const payload = Buffer.alloc(16 * 1024);
    const chunk = repeat(64, OPCODE.binary, payload);

    // Until the kernel takes no more.
    for (let written = 0; written < 64; written++) {
      if (client.socket.write(chunk)) continue;
      const drained = once(client.socket, 'drain').then(() => true);
      if (!(await Promise.race([drained, client.peer.received(25).then(() => false)]))) break;
    }

    await client.peer.received(25);
    expect(client.socket.writableLength).toBeGreaterThan(MIB / 2);
    expect(client.peer.messages.length).toBeLessThan(60);
    expect(await bufferedBytes(gateway)).toBeLessThan(150_000);
  });

  it('keeps its socket though its pongs wait behind its messages', async () => {
    await using service = await startSocketService();
    await using gateway = await startLimited(service, 50, { WEBSOCKET_PING_INTERVAL_MS: '50' });
    await using client = await openRawSocket(gateway, service);

    // Two seconds of messages: forty pings of the gateway.
    client.write(numbers(200));

    expect(await client.peer.received(200)).toEqual(upTo(200));
    expect(client.text.split('\x89').length).toBeGreaterThan(10);
    expect(client.text).not.toContain('\x88');
  });

  it('is closed all the same when it is gone for good', async () => {
    await using service = await startSocketService();
    await using gateway = await startLimited(service, 50, { WEBSOCKET_PING_INTERVAL_MS: '50' });
    await using client = await openRawSocket(gateway, service);

    client.write(numbers(120));
    await client.peer.received(120);

    expect(await gateway.logged({ message: 'websocket closed' })).toMatchObject({ code: 1006 });
  });

  it('is closed at once when its service closes', async () => {
    await using service = await startSocketService();
    await using gateway = await startLimited(service, 1);
    await using client = await openRawSocket(gateway, service);
    client.write(numbers(5_000));
    await client.peer.received(2);

    client.peer.socket.close(4000);

    expect(await closeCodeOf(client)).toBe(4000);
    expect(client.peer.messages).toEqual(['0', '1']);
  });

  it('leaves nothing when it breaks its connection, and its service gets no more than the rate', async () => {
    await using service = await startSocketService();
    await using gateway = await startLimited(service, 1);
    await using client = await openRawSocket(gateway, service);
    client.write(numbers(5_000));
    await client.peer.received(2);

    client.socket.resetAndDestroy();
    // The gateway does not read the client, and notices with its next write.
    client.peer.send('there?');

    expect(await client.peer.closed).toMatchObject({ code: 1001 });
    expect(client.peer.messages).toEqual(['0', '1']);
    await untilBuffered(gateway, (bytes) => bytes === 0);
  });

  it('cannot delay others', async () => {
    await using service = await startSocketService(echo);
    await using gateway = await startLimited(service, 100);
    await using flooding = await openRawSocket(gateway, service);
    await using other = await openSocket(gateway);
    flooding.write(repeat(20_000, OPCODE.ping));

    for (let each = 0; each < 50; each++) {
      other.send(String(each));
      await other.received(each + 1);
    }

    // Some hundred of 20,000 pings at most have got their pongs.
    expect(flooding.text.split('\x8a').length).toBeLessThan(1_000);
  });

  it.each([
    ['pings', repeat(40, OPCODE.ping)],
    ['pongs that nobody asked for', repeat(40, OPCODE.pong)],
  ])('is slowed by its %s too', async (_what, frames) => {
    await using service = await startSocketService();
    await using gateway = await startLimited(service, 20);
    await using client = await openRawSocket(gateway, service);
    const begun = performance.now();

    client.write(Buffer.concat([frames, frame(OPCODE.text, 'last')]));

    expect(await client.peer.received(1)).toEqual(['last']);
    expect(performance.now() - begun).toBeGreaterThan(45);
  });

  it('gets the code of a bad frame behind its messages, once they have passed', async () => {
    await using service = await startSocketService(echo);
    await using gateway = await startLimited(service, 100);
    await using client = await openRawSocket(gateway, service);

    client.write(Buffer.concat([numbers(250), frame(3)]));

    expect(await closeCodeOf(client)).toBe(1002);
    expect(client.peer.messages).toEqual(upTo(250));
    expect(client.text).toContain('\x81\x03249');
  });
});

describe("a client that sends faster than its rate, on a route with pastMessagesPerSecond 'close'", () => {
  const policy = { pastMessagesPerSecond: 'close', messagesPerSecond: 10 } as const;

  it.each([
    ['messages', OPCODE.text],
    ['pings', OPCODE.ping],
    ['pongs that nobody asked for', OPCODE.pong],
  ])('is closed with 1008: %s', async (_what, opcode) => {
    await using service = await startSocketService();
    await using gateway = await startGateway({
      modules: [moduleOf(policy)],
      env: { OTHER_SERVICE_URL: service.url },
    });
    await using client = await openRawSocket(gateway, service, rawHandshake(OTHER));

    client.write(repeat(1_000, opcode));

    expect(await closeCodeOf(client)).toBe(1008);
    expect(client.text).toContain('too many messages');
    expect(client.peer.messages.length).toBeLessThan(40);
  });

  it('is an error at boot with any other value', async () => {
    const wrong = { pastMessagesPerSecond: 'drop' } as unknown as typeof policy;

    await expect(startGateway({ modules: [moduleOf(wrong)] })).rejects.toThrow(
      `${OTHER} (other-service) has a pastMessagesPerSecond other than 'slow' and 'close'`,
    );
  });
});
