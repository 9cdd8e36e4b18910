import { EventEmitter, once } from 'node:events';
import type { Socket } from 'node:net';
import { startGateway, type RunningGateway } from '../support/gateway.js';
import { openDescriptors } from '../support/descriptors.js';
import { GatewayProcess } from '../support/process.js';
import { RawClient } from '../support/raw-client.js';
import { describeWithBuild } from '../support/requirements.js';
import { ended, released, startRawService, type PlayedService } from '../support/service.js';
import {
  acceptingAnswer,
  frame,
  OPCODE,
  rawHandshake,
  REFUSALS,
  startSocketService,
} from '../support/websocket.js';

/** A service that answers each handshake, and keeps the connection unless the answer ends it. */
function startAnswering(answer: (socket: Socket, head: string) => void): Promise<PlayedService> {
  return startRawService((socket) => {
    socket.once('data', (head: Buffer) => answer(socket, head.toString('latin1')));
  });
}

function startFor(service: PlayedService): Promise<RunningGateway> {
  return startGateway({ env: { CHAT_SERVICE_URL: service.url, MAX_RETRIES: '0' } });
}

describe('a service that refuses a handshake and keeps the connection', () => {
  it.each(REFUSALS)('loses the connection: %j', async (refusal) => {
    await using service = await startAnswering((socket) => socket.write(refusal));
    await using gateway = await startFor(service);
    for (let round = 0; round < 5; round++) {
      await using client = await RawClient.connect(gateway.port);
      client.write(rawHandshake());
      expect((await client.ended()).statuses).toHaveLength(1);
    }

    await released(service);

    expect(service.accepted()).toBe(5);
  });
});

describeWithBuild('a service that refuses many handshakes and keeps their connections', () => {
  it('costs no descriptor, 500 times', async () => {
    await using service = await startAnswering((socket) => socket.write(REFUSALS[0]!));
    await using gateway = GatewayProcess.start({
      CHAT_SERVICE_URL: service.url,
      MAX_RETRIES: '0',
      RATELIMIT: 'off',
      CIRCUIT_BREAKER_OPEN_MS: '1',
    });
    const port = await gateway.port();
    const before = openDescriptors(gateway.pid);

    for (let round = 0; round < 50; round++) {
      await Promise.all(
        Array.from({ length: 10 }, async () => {
          await using client = await RawClient.connect(port);
          client.write(rawHandshake());
          await client.ended();
        }),
      );
    }

    await released(service);
    expect(service.accepted()).toBeGreaterThan(400);
    // The clients' own connections close once the gateway has read their ends.
    while (openDescriptors(gateway.pid) > before + 2) await gateway.health();
  });
});

describe('a client that leaves during its handshake', () => {
  const LEAVING: readonly [string, (client: RawClient) => void][] = [
    ['by an end', (client) => client.socket.end()],
    ['by a reset', (client) => client.socket.resetAndDestroy()],
    ['by an end behind bytes that come too early', (client) => client.socket.end(frame(OPCODE.text, 'x'))],
  ];

  it.each(LEAVING)('%s, while the service is dialled, leaves no connection', async (_how, leave) => {
    await using service = await startAnswering(() => {});
    await using gateway = await startFor(service);
    const dialled = once(gateway.app.getHttpServer(), 'upgrade');
    await using client = await RawClient.connect(gateway.port);
    client.write(rawHandshake());
    const [, socket] = (await dialled) as [unknown, Socket];
    while (service.accepted() === 0) await new Promise(setImmediate);

    leave(client);
    await ended(socket);
    if (!socket.destroyed) await once(socket, 'close');

    await released(service);
    expect(await gateway.logged({ message: 'request' })).toMatchObject({ status: 499 });
  });

  it('by an end behind its handshake gets the refusal of a gate all the same', async () => {
    await using service = await startAnswering(() => {});
    await using gateway = await startFor(service);
    await using client = await RawClient.connect(gateway.port);

    client.socket.end(rawHandshake(undefined, { Authorization: '' }));

    expect((await client.ended()).statuses).toEqual([401]);
  });

  it('and sends more behind a handshake that is refused can still read why', async () => {
    await using service = await startAnswering(() => {});
    await using gateway = await startFor(service);
    await using client = await RawClient.connect(gateway.port);

    client.write(rawHandshake(undefined, { Authorization: '' }) + 'x'.repeat(200_000));

    const { statuses, reset } = await client.ended();
    expect([statuses, reset]).toEqual([[401], false]);
  });

  it('sends frames before its 101, which reach the service in order', async () => {
    let received = '';
    const frames = new EventEmitter();
    const { promise: mayAnswer, resolve: answerNow } = Promise.withResolvers<void>();
    await using service = await startAnswering((socket, head) => {
      void mayAnswer.then(() => socket.write(acceptingAnswer(head)));
      socket.on('data', (bytes: Buffer) => {
        received += bytes.toString('latin1');
        frames.emit('data');
      });
    });
    await using gateway = await startFor(service);
    const upgraded = once(gateway.app.getHttpServer(), 'upgrade');
    await using client = await RawClient.connect(gateway.port);
    client.write(rawHandshake());
    client.write(frame(OPCODE.text, 'one'));
    await upgraded;
    client.write(frame(OPCODE.text, 'two'));
    while (service.accepted() === 0) await new Promise(setImmediate);
    answerNow();
    await client.until(/\r\n\r\n/);
    client.write(frame(OPCODE.text, 'three'));

    // Masked anew, so the payloads cannot be read; three frames with lengths 3, 3 and 5 can.
    while (received.length < 9 + 9 + 11) await once(frames, 'data');

    const bytes = Buffer.from(received, 'latin1');
    expect([bytes[1]! & 0x7f, bytes[10]! & 0x7f, bytes[19]! & 0x7f]).toEqual([3, 3, 5]);
  });

  it.each([
    ['of one byte', 1, 17],
    ['of many bytes', 4_000, 5],
  ])(
    'sends chunks %s before its 101, of which few are read until then, and all in the end',
    async (_what, bytes, most) => {
      const { promise: mayAnswer, resolve: answerNow } = Promise.withResolvers<void>();
      await using service = await startSocketService(() => {}, {
        verifyClient: (_info: unknown, accept: (isAccepted: boolean) => void) =>
          void mayAnswer.then(() => accept(true)),
      });
      await using gateway = await startGateway({ env: { CHAT_SERVICE_URL: service.url } });
      const upgraded = once(gateway.app.getHttpServer(), 'upgrade');
      await using client = await RawClient.connect(gateway.port);
      client.socket.setNoDelay(true);
      client.write(rawHandshake());
      const [, atGateway] = (await upgraded) as [unknown, Socket];
      const before = atGateway.bytesRead;
      const whole = frame(OPCODE.binary, Buffer.alloc(100 * bytes));
      const chunks = Array.from({ length: 101 }, (_, index) =>
        whole.subarray(index * bytes, (index + 1) * bytes),
      );
      // Chunk by chunk, each when the gateway has read the one before, for as long as it reads.
      let isRead = true;
      for (const chunk of chunks) {
        const read = atGateway.bytesRead;
        client.write(chunk);
        for (let turn = 0; isRead && atGateway.bytesRead === read; turn++) {
          isRead = turn < 1_000;
          await new Promise(setImmediate);
        }
      }
      client.write(whole.subarray(101 * bytes));

      const early = atGateway.bytesRead - before;
      answerNow();
      expect(isRead).toBe(false);
      expect(early).toBeLessThanOrEqual(most * bytes);
      const end = await service.connection(0);
      expect((await end.received(1))[0]).toHaveLength(100 * bytes);
    },
  );
});

describe('an end without a close frame', () => {
  it('of a client that reads nothing any more ends both connections', async () => {
    const { promise: opened, resolve: open } = Promise.withResolvers<Socket>();
    await using service = await startAnswering((socket, head) => {
      socket.write(acceptingAnswer(head));
      open(socket);
    });
    await using gateway = await startFor(service);
    const upgraded = once(gateway.app.getHttpServer(), 'upgrade');
    await using client = await RawClient.connect(gateway.port);
    client.write(rawHandshake());
    await client.until(/\r\n\r\n/);
    const [, atGateway] = (await upgraded) as [unknown, Socket];
    const peer = await opened;
    client.socket.pause();
    // Until the gateway has bytes for the client that the kernel does not take.
    while (atGateway.writableLength === 0) {
      peer.write(frame(OPCODE.binary, Buffer.alloc(60_000), { masked: false }));
      await new Promise(setImmediate);
    }

    client.socket.end();
    if (!atGateway.destroyed) await once(atGateway, 'close');

    await released(service);
  });
});
