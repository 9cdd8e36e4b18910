import { once } from 'node:events';
import { describeUnderLoad } from '../support/requirements.js';
import { startRawService } from '../support/service.js';
import { rawRequest } from '../support/raw-request.js';
import {
  accept,
  CHAT_GET,
  CHAT_POST,
  HALF,
  laterReset,
  reset,
  say,
  startScripted,
  survives,
  thenReset,
  WHOLE,
  type Script,
  startGatewayFor,
} from '../support/resets.js';
import { closeFrame, frame, OPCODE, rawHandshake, REFUSALS } from '../support/websocket.js';

describeUnderLoad('a service resets its connection', () => {
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
    ...REFUSALS.map((refusal): [string, Script, string] => [
      `behind a refusal: ${JSON.stringify(refusal)}`,
      thenReset(say(refusal)),
      rawHandshake(),
    ]),
    ['some time behind a refusal', laterReset(say(REFUSALS[0]!)), rawHandshake()],
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

  // Each has a gateway of its own: one that has seen many failures waits longer before it asks the service again.
  it.each(AT)('%s', async (_when, script, bytes) => {
    await using service = await startScripted(script);
    await using gateway = startGatewayFor(service);
    await survives(gateway, service, async (client) => {
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
    await using gateway = startGatewayFor(service, { HEALTH_CHECK_INTERVAL_MS: '10' });
    await survives(gateway, service, () => once(service.heard, 'request'));
  });

  const TLS: readonly [string, string][] = [
    ['of a request', rawRequest(CHAT_GET)],
    ['of an upload', `${rawRequest(CHAT_POST, { headers: { 'Content-Length': 9 } })}half`],
    ['of a WebSocket', rawHandshake()],
  ];

  it.each(TLS)('in the middle of the TLS handshake %s', async (_what, bytes) => {
    // The first bytes that a service gets are the client's hello.
    await using service = await startRawService((socket) =>
      socket.once('data', () => socket.resetAndDestroy()),
    );
    await using gateway = startGatewayFor(service, { CHAT_SERVICE_URL: `https://127.0.0.1:${service.port}` });
    await survives(gateway, service, async (client) => {
      client.write(bytes);
      expect(await client.until(/\r\n\r\n/)).toMatch(/^HTTP\/1\.1 50[23] /);
    });
    expect(service.accepted()).toBeGreaterThan(0);
  });
});
