import { EventEmitter, once } from 'node:events';
import type { Socket } from 'node:net';
import { openDescriptors } from './support/descriptors.js';
import { GatewayProcess } from './support/process.js';
import { RawClient } from './support/raw-client.js';
import { rawRequest } from './support/raw-request.js';
import { startRawService, type PlayedService } from './support/service.js';
import { acceptingAnswer, closeFrame, frame, OPCODE, rawHandshake } from './support/websocket.js';

/** So often each connection is reset at each of its hand-overs. */
const ROUNDS = 5;

/** Descriptors that may differ: files that are open for a moment, and a connection of this test's own. */
const SPARE = 4;

const CHAT_GET = 'GET /v1/messages';
const CHAT_POST = 'POST /v1/messages';
const WHOLE = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const HALF = 'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok';

/** What a service does with each request or handshake. */
type Script = (socket: Socket, head: string) => void;

const say =
  (answer: string): Script =>
  (socket) =>
    socket.write(answer);

const accept: Script = (socket, head) => socket.write(acceptingAnswer(head));

const silent: Script = () => {};

const reset: Script = (socket) => socket.resetAndDestroy();

const thenReset =
  (script: Script): Script =>
  (socket, head) => {
    script(socket, head);
    // Bytes go out before the reset, which would throw away those that wait.
    setImmediate(() => socket.resetAndDestroy());
  };

async function startScripted(script: Script): Promise<PlayedService & { readonly heard: EventEmitter }> {
  const heard = new EventEmitter();
  const service = await startRawService((socket) => {
    socket.on('data', (bytes: Buffer) => {
      const text = bytes.toString('latin1');
      if (!/^(GET|POST) /.test(text)) return;
      script(socket, text);
      heard.emit('request');
    });
  });
  return Object.assign(service, { heard });
}

/** Runs one exchange several times, and expects that the gateway lives and has no more open than before. */
async function survives(
  service: PlayedService,
  env: Readonly<Record<string, string>>,
  exchange: (client: RawClient) => Promise<unknown>,
): Promise<void> {
  await using gateway = GatewayProcess.start({
    CHAT_SERVICE_URL: service.url,
    RATELIMIT: 'off',
    RETRIES: '0',
    BREAKER_OPEN_MS: '1',
    EJECTION_MS: '1',
    ...env,
  });
  const port = await gateway.port();
  const before = openDescriptors(gateway.pid);

  for (let round = 0; round < ROUNDS; round++) {
    await using client = await RawClient.connect(port);
    await exchange(client);
  }

  expect(await gateway.health()).toBe(200);
  for (const socket of service.sockets) socket.destroy();
  while (openDescriptors(gateway.pid) > before + SPARE) await gateway.health();
  expect(gateway.stderr).toBe('');
}

describe('a client resets its connection', () => {
  const AT: readonly [string, Script, (client: RawClient, heard: EventEmitter) => Promise<unknown>][] = [
    ['in the middle of a head', silent, async (client) => client.write('GET /v1/mess')],
    [
      'once it was told that its bytes are no request',
      silent,
      async (client) => {
        client.write('nonsense\r\n\r\n');
        await client.until(/400/);
        client.write('more');
      },
    ],
    [
      'behind CONNECT',
      silent,
      async (client) => {
        client.write('CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n');
        await client.until(/400/);
      },
    ],
    [
      'once its upload was refused',
      silent,
      async (client) => {
        client.write(rawRequest(CHAT_POST, { headers: { 'Content-Length': 10 ** 12 } }) + 'x'.repeat(1000));
        await client.until(/413/);
      },
    ],
    [
      'in the middle of an upload',
      silent,
      async (client, heard) => {
        const request = once(heard, 'request');
        client.write(rawRequest(CHAT_POST, { headers: { 'Content-Length': 10_000 } }) + 'x'.repeat(1000));
        await request;
      },
    ],
    [
      'while the service thinks, with another request behind',
      silent,
      async (client, heard) => {
        const request = once(heard, 'request');
        client.write(rawRequest(CHAT_GET) + rawRequest(CHAT_GET));
        await request;
      },
    ],
    [
      'in the middle of a response',
      say(HALF),
      async (client) => {
        client.write(rawRequest(CHAT_GET));
        await client.until(/ok$/);
      },
    ],
    [
      'between two requests',
      say(WHOLE),
      async (client) => {
        client.write(rawRequest(CHAT_GET));
        await client.until(/ok$/);
      },
    ],
    ['right behind its handshake', accept, async (client) => client.write(rawHandshake())],
    [
      'while the service is dialled',
      silent,
      async (client, heard) => {
        const handshake = once(heard, 'request');
        client.write(rawHandshake());
        await handshake;
      },
    ],
    [
      'once its handshake was refused',
      silent,
      async (client) => {
        client.write(rawHandshake(undefined, { Authorization: '' }));
        await client.until(/401/);
      },
    ],
    [
      'once the service has refused its handshake',
      say('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno'),
      async (client) => {
        client.write(rawHandshake());
        await client.until(/403/);
      },
    ],
    [
      'right behind its 101',
      accept,
      async (client) => {
        client.write(rawHandshake());
        await client.until(/101/);
      },
    ],
    [
      'in the middle of a message',
      accept,
      async (client) => {
        client.write(rawHandshake());
        await client.until(/101/);
        client.write(frame(OPCODE.text, 'half a message').subarray(0, 9));
      },
    ],
    [
      'behind its close frame',
      accept,
      async (client) => {
        client.write(rawHandshake());
        await client.until(/101/);
        client.write(closeFrame(1000));
      },
    ],
    [
      'behind a frame that is none',
      accept,
      async (client) => {
        client.write(rawHandshake());
        await client.until(/101/);
        client.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
      },
    ],
  ];

  it.each(AT)('%s', async (_when, script, exchange) => {
    await using service = await startScripted(script);
    await survives(service, {}, async (client) => {
      await exchange(client, service.heard);
      client.socket.resetAndDestroy();
      await client.ended();
    });
  });
});

describe('a service resets its connection', () => {
  const AT: readonly [string, Script, string][] = [
    ['instead of a response', reset, rawRequest(CHAT_GET)],
    ['in the middle of a head', thenReset(say('HTTP/1.1 200 OK\r\nContent-')), rawRequest(CHAT_GET)],
    ['behind an interim response', thenReset(say('HTTP/1.1 103 Early Hints\r\n\r\n')), rawRequest(CHAT_GET)],
    ['in the middle of a body', thenReset(say(HALF)), rawRequest(CHAT_GET)],
    ['behind a whole response', thenReset(say(WHOLE)), rawRequest(CHAT_GET)],
    ['behind a byte too many', thenReset(say(`${WHOLE}x`)), rawRequest(CHAT_GET)],
    [
      'in the middle of an upload',
      reset,
      rawRequest(CHAT_POST, { headers: { 'Content-Length': 9 } }) + 'half',
    ],
    ['instead of a 101', reset, rawHandshake()],
    ['in the middle of a 101', thenReset(say('HTTP/1.1 101 Switching Pro')), rawHandshake()],
    ['behind a 101 that is none', thenReset(say('HTTP/1.1 101 Switching Protocols\r\n\r\n')), rawHandshake()],
    [
      'behind a refusal',
      thenReset(say('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n')),
      rawHandshake(),
    ],
    [
      'in the middle of a refusal',
      thenReset(say('HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nno')),
      rawHandshake(),
    ],
    ['behind its 101', thenReset(accept), rawHandshake()],
    [
      'in the middle of a message',
      thenReset((socket, head) => {
        accept(socket, head);
        socket.write(frame(OPCODE.text, 'half a message', { masked: false }).subarray(0, 9));
      }),
      rawHandshake(),
    ],
    [
      'behind its close frame',
      thenReset((socket, head) => {
        accept(socket, head);
        socket.write(closeFrame(1000, '', false));
      }),
      rawHandshake(),
    ],
  ];

  it.each(AT)('%s', async (_when, script, bytes) => {
    await using service = await startScripted(script);
    await survives(service, {}, async (client) => {
      const heard = once(service.heard, 'request');
      client.write(bytes);
      await heard;
      // Whether it has an answer or is broken off: some end must come.
      await client.until(/\r\n\r\n/).catch(() => {});
    });
  });

  it.each([
    ['at its health check', reset],
    ['behind the response to its health check', thenReset(say(WHOLE))],
  ])('%s', async (_when, script) => {
    await using service = await startScripted(script);
    await survives(service, { HEALTH_CHECK_INTERVAL_MS: '10' }, () => once(service.heard, 'request'));
  });
});
