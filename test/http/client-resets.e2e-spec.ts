import { once, type EventEmitter } from 'node:events';
import type { RawClient } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import type { GatewayProcess } from '../support/process.js';
import { describeUnderLoad } from '../support/requirements.js';
import {
  accept,
  CHAT_GET,
  CHAT_POST,
  HALF,
  say,
  silent,
  startScripted,
  survives,
  WHOLE,
  type Script,
  startGatewayFor,
  type ScriptedService,
} from '../support/resets.js';
import { closeFrame, frame, OPCODE, rawHandshake } from '../support/websocket.js';

describeUnderLoad('a client resets its connection', () => {
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
        await client.until(/501/);
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

  let service: ScriptedService;
  let gateway: GatewayProcess;
  beforeAll(async () => {
    service = await startScripted();
    gateway = startGatewayFor(service);
  });
  afterAll(async () => {
    await gateway[Symbol.asyncDispose]();
    await service[Symbol.asyncDispose]();
  });

  it.each(AT)('%s', async (_when, script, exchange) => {
    service.script = script;
    await survives(gateway, service, async (client) => {
      await exchange(client, service.heard);
      client.socket.resetAndDestroy();
      await client.ended();
    });
  });
});
