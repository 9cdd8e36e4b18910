import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { openDescriptors } from './descriptors.js';
import { GatewayProcess } from './process.js';
import { RawClient } from './raw-client.js';
import { startRawService, type PlayedService } from './service.js';
import { acceptingAnswer } from './websocket.js';

/** The number of resets in each phase of a connection. */
const ROUNDS = 20;

/** Allowed difference of descriptors: files that are open for a moment, and a connection of the test. */
const SPARE = 4;

export const CHAT_GET = 'GET /v1/messages';
export const CHAT_POST = 'POST /v1/messages';
export const WHOLE = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
export const HALF = 'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok';

/** The behaviour of a service for each request or handshake. */
export type Script = (socket: Socket, head: string) => void;

export const say =
  (answer: string): Script =>
  (socket) =>
    socket.write(answer);

export const accept: Script = (socket, head) => socket.write(acceptingAnswer(head));

export const silent: Script = () => {};

export const reset: Script = (socket) => socket.resetAndDestroy();

export const thenReset =
  (script: Script): Script =>
  (socket, head) => {
    script(socket, head);
    // Waits for the bytes, since a reset drops those that are not sent yet.
    setImmediate(() => socket.resetAndDestroy());
  };

/** Milliseconds for the gateway to read a refusal and close its connection. */
const REFUSAL_READ_MS = 20;

/** Resets the connection later, unless the gateway has closed it by then. */
export const laterReset =
  (script: Script): Script =>
  (socket, head) => {
    script(socket, head);
    const timer = setTimeout(() => socket.resetAndDestroy(), REFUSAL_READ_MS);
    socket.once('end', () => socket.end()).once('close', () => clearTimeout(timer));
  };

/** A service that does what its script says, which may be another for each test. */
export type ScriptedService = PlayedService & { readonly heard: EventEmitter; script: Script };

export async function startScripted(script: Script = silent): Promise<ScriptedService> {
  const service = await startRawService((socket) => {
    socket.on('data', (bytes: Buffer) => {
      const text = bytes.toString('latin1');
      if (!/^(GET|POST) /.test(text)) return;
      scripted.script(socket, text);
      scripted.heard.emit('request');
    });
  });
  const scripted = Object.assign(service, { heard: new EventEmitter(), script });
  return scripted;
}

/** Starts a gateway process that goes on sending to the service after failures. */
export function startGatewayFor(
  service: PlayedService,
  env: Readonly<Record<string, string>> = {},
): GatewayProcess {
  return GatewayProcess.start({
    CHAT_SERVICE_URL: service.url,
    RATELIMIT: 'off',
    MAX_RETRIES: '0',
    CIRCUIT_BREAKER_OPEN_MS: '1',
    OUTLIER_EJECTION_MS: '1',
    ...env,
  });
}

/** Runs one exchange several times, and expects that the gateway lives and has no more open than before. */
export async function survives(
  gateway: GatewayProcess,
  service: PlayedService,
  exchange: (client: RawClient) => Promise<unknown>,
): Promise<void> {
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
