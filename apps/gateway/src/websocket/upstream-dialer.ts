import type { ClientRequest, IncomingMessage } from 'node:http';
import type { NetConnectOpts, Socket } from 'node:net';
import { SETTINGS, type Settings } from '@app/gateway';
import {
  exceptionFor,
  faultOf,
  isUnavailable,
  UpstreamInvalidResponseException,
  type Attempts,
  type Instance,
  type InstanceFault,
  type ProxyException,
} from '@app/proxy';
import { Inject, Injectable } from '@nestjs/common';
import { WebSocket } from 'ws';
import { connectWithin } from './connect-within.js';
import type { UpstreamWebSocket } from './upstream-websocket.js';
import type { UpstreamHandshake } from './upstream-handshake.js';
import { bodyOf, type HandshakeResponse } from './handshake-response.js';
import type { WebSocketRoute } from './websocket-route.js';

/** Opens WebSockets to services. */
@Injectable()
export class UpstreamDialer {
  constructor(@Inject(SETTINGS) private readonly config: Settings) {}

  /**
   * Opens a service's side, at another instance where one fails: until its 101 a handshake has no effect.
   * @param signal gives up
   * @param withinMs milliseconds for all of it, where that is less than a service has to answer
   * @throws ProxyException where the service cannot be reached, is late, or answers what is no handshake
   */
  async dial(
    route: WebSocketRoute,
    handshake: UpstreamHandshake,
    signal: AbortSignal,
    withinMs = Infinity,
  ): Promise<UpstreamWebSocket | HandshakeResponse> {
    const begunAt = performance.now();
    const until = begunAt + Math.min(this.config.proxy.responseHeadersTimeoutMs, withinMs);
    const attempts = route.row.proxy.createAttempts(begunAt);
    try {
      attempts.startFirst(begunAt);
      return await this.dialAny(attempts, route, handshake, signal, until);
    } finally {
      attempts.end(performance.now());
    }
  }

  /** @param until `performance.now()` when it must be over */
  private async dialAny(
    attempts: Attempts,
    route: WebSocketRoute,
    handshake: UpstreamHandshake,
    signal: AbortSignal,
    until: number,
  ): Promise<UpstreamWebSocket | HandshakeResponse> {
    /** Counts the attempt as failed; whether another one began. */
    const tryAgain = (fault: InstanceFault): boolean => {
      const now = performance.now();
      attempts.failed(fault, now);
      if (now < until && attempts.retry(now)) return true;
      attempts.report('failed', now);
      return false;
    };
    for (;;) {
      try {
        const withinMs = until - performance.now();
        const answer = await this.dialOne(route, attempts.instance, handshake, signal, withinMs);
        if (!saysUnavailable(answer)) {
          attempts.succeeded(performance.now());
          return answer;
        }
        if (!tryAgain('status')) return answer;
      } catch (error) {
        const fault = signal.aborted ? undefined : faultOf(error);
        if (fault === undefined || !tryAgain(fault)) throw error;
      }
    }
  }

  private async dialOne(
    route: WebSocketRoute,
    instance: Instance,
    { target, offered, headers }: UpstreamHandshake,
    signal: AbortSignal,
    withinMs: number,
  ): Promise<UpstreamWebSocket | HandshakeResponse> {
    const { proxy } = route.row;
    const { origin } = instance;
    const { connectTimeoutMs } = this.config.proxy.connections;
    let stream: Socket | undefined;
    let subprotocol = '';
    let response: IncomingMessage | undefined;
    // An `object`, since the types of `ws` do not know all that Node takes for these.
    const options: object = {
      ...route.socketOptions,
      headers,
      createConnection: (connection: NetConnectOpts) =>
        (stream = connectWithin(connectTimeoutMs, instance.tlsOptions(), connection)),
      // The target as the client wrote it: a URL parser would rewrite some of its bytes.
      // Node would drop headers after its default number.
      finishRequest: (request: ClientRequest) =>
        Object.assign(request, { path: target, maxHeadersCount: 0 }).end(),
    };
    const socket = new WebSocket(origin, options);
    const giveUp = (): void => socket.terminate();
    signal.addEventListener('abort', giveUp);
    let clock: NodeJS.Timeout | undefined;
    let isOpen = false;
    return await new Promise<UpstreamWebSocket | HandshakeResponse>((resolve, reject) => {
      const fail = (error: Error): void => reject(failureOf(error, proxy.name, stream?.connecting === false));
      // For everything up to a refusal's last byte: `ws` looks at the time between two bytes only.
      clock = setTimeout(() => {
        fail(Object.assign(new Error('no answer to the handshake'), { code: 'ETIMEDOUT' }));
        giveUp();
      }, withinMs);
      socket.on('error', fail);
      socket.once('upgrade', (answer) => {
        response = answer;
        subprotocol = answer.headers['sec-websocket-protocol'] ?? '';
        // `ws` demands what browsers demand, that an offer be taken; RFC 6455 lets a service decline.
        delete answer.headers['sec-websocket-protocol'];
      });
      socket.once('open', () => {
        if (subprotocol !== '' && !offered.includes(subprotocol)) {
          fail(new Error(`subprotocol ${subprotocol} was not offered`));
          socket.terminate();
          return;
        }
        socket.pause();
        // Whoever takes it over listens anew; these would keep the whole handshake in memory with it.
        socket.removeAllListeners().on('error', ignore);
        isOpen = true;
        resolve({ socket, stream: stream!, subprotocol, instance: origin, response: response! });
      });
      socket.once('unexpected-response', (_request, answer) => {
        const status = answer.statusCode!;
        if (status < 300) fail(new Error(`status ${status} is no answer to a handshake`));
        bodyOf(answer).then((body) => resolve({ response: answer, instance: origin, body }), fail);
      });
    }).finally(() => {
      clearTimeout(clock);
      signal.removeEventListener('abort', giveUp);
      // After a whole response Node takes its listeners off a connection and keeps it for a next request.
      if (!isOpen) stream?.destroy();
    });
  }
}

/** Whether the service refused because it cannot serve at present. */
function saysUnavailable(answer: UpstreamWebSocket | HandshakeResponse): boolean {
  return 'body' in answer && isUnavailable(answer.response.statusCode!);
}

/** Nobody may be left to hear that a service sent garbage behind its handshake. One function for all of them. */
function ignore(): void {}

/** @param isConnected whether the connection stood before it failed */
function failureOf(error: Error, service: string, isConnected: boolean): ProxyException {
  const stage = isConnected ? 'response_headers' : 'connect';
  const { code } = error as NodeJS.ErrnoException;
  // Errors of `ws` about an answer have no code; those of Node's parser begin so.
  return code === undefined || code.startsWith('HPE_')
    ? new UpstreamInvalidResponseException(service, 'response_headers', error)
    : exceptionFor(error, service, stage);
}
