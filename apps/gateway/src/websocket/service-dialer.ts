import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { NetConnectOpts, Socket } from 'node:net';
import {
  exceptionFor,
  UpstreamInvalidResponseException,
  type Exchange,
  type ProxyException,
} from '@app/proxy';
import { Inject, Injectable } from '@nestjs/common';
import { WebSocket } from 'ws';
import { GATEWAY_CONFIG, type GatewayConfig } from '../config/gateway-config.js';
import { subprotocolsOf } from './handshake.js';
import { bodyOf, connectWithin, handshakeHeadersOf } from './service-handshake.js';
import type { WebSocketRoute } from './websocket-route.js';

/** A service's side of a socket, open and paused, so that nothing is lost until somebody listens. */
export interface ServiceConnection {
  readonly socket: WebSocket;
  /** The TCP or TLS connection under it. */
  readonly stream: Socket;
  /** The subprotocol that the service chose; empty where it chose none. */
  readonly subprotocol: string;
  /** The address of the instance. */
  readonly instance: string;
  /** The service's answer to the handshake. */
  readonly response: IncomingMessage;
}

/** What a client's handshake becomes for the service; the same one serves again where the service restarts. */
export interface ServiceHandshake {
  readonly target: string;
  /** The subprotocols that the client offers. */
  readonly offered: readonly string[];
  readonly headers: OutgoingHttpHeaders;
}

/** A service that answered a handshake with another status than 101. */
export interface ServiceRefusal {
  readonly instance: string;
  readonly response: IncomingMessage;
  readonly body: Buffer;
}

/** How much of a refusal's body is passed on. */
const REFUSAL_LIMIT_BYTES = 64 * 1024;

/** Opens WebSockets to services. */
@Injectable()
export class ServiceDialer {
  private readonly allowedOrigin: string;

  constructor(@Inject(GATEWAY_CONFIG) private readonly config: GatewayConfig) {
    this.allowedOrigin = [...config.allowedOrigins][0]!;
  }

  /** What the service gets of a client's handshake. */
  handshakeFor(route: WebSocketRoute, exchange: Exchange): ServiceHandshake {
    const { request } = exchange;
    return {
      target: route.row.targetOf(request.url!),
      offered: subprotocolsOf(request.headers['sec-websocket-protocol']),
      headers: handshakeHeadersOf(exchange, this.allowedOrigin),
    };
  }

  /**
   * Opens a service's side, at the instance whose turn it is.
   * @param signal gives up
   * @throws ProxyException where the service cannot be reached, is late, or answers what is no handshake
   */
  async dial(
    route: WebSocketRoute,
    { target, offered, headers }: ServiceHandshake,
    signal: AbortSignal,
  ): Promise<ServiceConnection | ServiceRefusal> {
    const { proxy } = route.row;
    const { origin } = proxy.nextInstance();
    const { connectTimeoutMs } = this.config.proxy.connections;
    let stream: Socket | undefined;
    let subprotocol = '';
    let response: IncomingMessage | undefined;
    // An `object`, since the types of `ws` know neither all of its options nor all that Node takes for them.
    const options: object = {
      headers,
      perMessageDeflate: false,
      maxPayload: route.messageLimitBytes,
      handshakeTimeout: this.config.proxy.responseHeadersTimeoutMs,
      maxPendingAutoPongs: 0,
      closeTimeout: this.config.websocket.closeTimeoutMs,
      createConnection: (connection: NetConnectOpts) =>
        (stream = connectWithin(connectTimeoutMs, origin.startsWith('https:'), connection)),
      // The target as the client wrote it: a URL parser would rewrite some of its bytes.
      finishRequest: (request: ClientRequest) => Object.assign(request, { path: target }).end(),
    };
    const socket = new WebSocket(origin, options);
    const giveUp = (): void => socket.terminate();
    signal.addEventListener('abort', giveUp);
    return await new Promise<ServiceConnection | ServiceRefusal>((resolve, reject) => {
      const fail = (error: Error): void => reject(failureOf(error, proxy.name, stream?.connecting === false));
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
        socket.removeAllListeners();
        resolve({ socket, stream: stream!, subprotocol, instance: origin, response: response! });
      });
      socket.once('unexpected-response', (request, answer) => {
        bodyOf(answer, REFUSAL_LIMIT_BYTES)
          .then((body) => resolve({ response: answer, instance: origin, body }), fail)
          .finally(() => request.destroy());
      });
    }).finally(() => signal.removeEventListener('abort', giveUp));
  }
}

/** @param isConnected whether the connection stood before it failed */
function failureOf(error: Error, service: string, isConnected: boolean): ProxyException {
  const stage = isConnected ? 'response_headers' : 'connect';
  if (error.message === 'Opening handshake has timed out') {
    return exceptionFor(Object.assign(error, { code: 'ETIMEDOUT' }), service, stage);
  }
  const { code } = error as NodeJS.ErrnoException;
  // Errors of `ws` about an answer have no code; those of Node's parser begin so.
  return code === undefined || code.startsWith('HPE_')
    ? new UpstreamInvalidResponseException(service, 'response_headers', error)
    : exceptionFor(error, service, stage);
}
