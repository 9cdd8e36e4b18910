import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { connectionOf } from '../http/client-connection.js';
import { codeOf, formatRawResponse, GATEWAY_ERROR } from '../http/error-response.js';
import { MethodNotImplementedException } from '../http/exceptions.js';
import type { GatewayHttpAdapter } from '../http/gateway-http.adapter.js';
import { linger, lingerOn } from '../http/lingering-close.js';
import { pendingResponseOf } from '../http/node-internals.js';
import { exchangeOf } from '@app/proxy';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { CorsPolicy } from '../cors/cors-policy.js';
import { Metrics } from '../observability/metrics.js';
import { isRefusedMethod, type ParserError } from './refused-method.js';

/** Status and message by the error code of Node's parser. Any other code is a 400. */
const RESPONSES: Readonly<Record<string, readonly [number, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request headers too slow'],
  HPE_HEADER_OVERFLOW: [431, 'Request headers too large'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'Chunk extensions too large'],
};

/** The code of a CONNECT, as the log has it. */
const CONNECT_CODE = 'UNSUPPORTED_METHOD';

/** Status, message and headers of the response to an error of Node's parser. */
function responseTo(error: ParserError): readonly [number, string, readonly string[]] {
  if (error.code === CONNECT_CODE || isRefusedMethod(error)) {
    const exception = new MethodNotImplementedException();
    return [exception.getStatus(), exception.message, [GATEWAY_ERROR, codeOf(exception)]];
  }
  const [status, message] = RESPONSES[error.code ?? ''] ?? [400, 'Malformed request'];
  return [status, message, []];
}

/**
 * Error codes that mean that the client has gone. Includes `HPE_INVALID_EOF_STATE`: the client closed in the middle of
 * a request.
 */
const CLIENT_GONE_CODES: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'HPE_INVALID_EOF_STATE']);

/**
 * Whether the header timeout has passed before the client sent a byte. Browsers open connections in advance, and would
 * take a 408 on such a connection for the response to a later request.
 */
function isUnused(error: NodeJS.ErrnoException, { bytesRead }: Socket): boolean {
  return isLateHead(error) && bytesRead === 0;
}

function isLateHead({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ERR_HTTP_REQUEST_TIMEOUT';
}

const ORIGIN = /\r\norigin:([^\r\n]*)(?=\r\n)/gi;

/** The `Origin` in the last bytes of a head that was too large; undefined if they contain none or several. */
function originIn(packet: Buffer | undefined): string | undefined {
  const [origin, ...more] = [...(packet?.toString('latin1') ?? '').matchAll(ORIGIN)];
  return more.length > 0 ? undefined : origin?.[1]!.trim();
}

/**
 * Responds to bytes that Node's parser refused, to late heads and to CONNECT, and ends the connection. A method that HTTP does
 * not have gets 501, and so does CONNECT, since the gateway opens no tunnels (RFC 9110, section 9.1). If an earlier, complete
 * request still waits for its response, waits for that response first. A head is not late if the gateway
 * itself had paused the connection.
 */
@Injectable()
export class ClientErrorResponder implements OnModuleInit {
  private readonly logger = new Logger(ClientErrorResponder.name);

  constructor(
    private readonly adapterHost: HttpAdapterHost<GatewayHttpAdapter>,
    private readonly metrics: Metrics,
    private readonly cors: CorsPolicy,
  ) {}

  onModuleInit(): void {
    const { pipelining } = this.adapterHost.httpAdapter;
    this.adapterHost.httpAdapter
      .getHttpServer()
      .on('clientError', (error: ParserError, socket: Socket) => {
        const respond = (): void => this.respondOnce(error, socket);
        if (!isLateHead(error) || !pipelining.deferLateHead(socket, respond)) respond();
      })
      // Node emits CONNECT requests here; without a listener it would end their connection without a response.
      .on('connect', (_request: IncomingMessage, socket: Socket) => {
        socket.on('error', () => socket.destroy());
        this.respondOnce(Object.assign(new Error('CONNECT'), { code: CONNECT_CODE }), socket);
      });
  }

  private respondOnce(error: ParserError, socket: Socket): void {
    if (CLIENT_GONE_CODES.has(error.code ?? '') || !socket.writable || isUnused(error, socket)) {
      socket.destroy();
      return;
    }
    const connection = connectionOf(socket);
    // Node reports every later chunk of a connection as an error too. The first one gets the response.
    if (connection.isRefused) {
      lingerOn(socket);
      return;
    }
    connection.isRefused = true;
    this.respondInTurn(error, socket);
  }

  /** Responds after the pending response to a complete request, which the client sent before the malformed bytes. */
  private respondInTurn(error: ParserError, socket: Socket): void {
    const pending = pendingResponseOf(socket);
    if (!socket.writable) {
      socket.destroy();
    } else if (pending?.req.complete) {
      pending.once('close', () => this.respondInTurn(error, socket));
    } else if (pending?.headersSent) {
      // Further bytes would become part of the response that is being sent.
      socket.destroy();
    } else {
      const [status, message, headers] = responseTo(error);
      this.logger.log({
        message: 'malformed request',
        status,
        code: error.code,
        client_ip: socket.remoteAddress,
      });
      this.metrics.malformed(status);
      linger(socket, formatRawResponse(status, message, [...this.headersFor(error, pending), ...headers]));
    }
  }

  /**
   * The response headers of the exchange whose body is malformed. Without an exchange, the CORS headers that let a page
   * read that its request's headers were too large.
   */
  private headersFor({ code, rawPacket }: ParserError, pending?: ServerResponse): readonly string[] {
    const exchange = pending && exchangeOf(pending.req);
    if (exchange) return exchange.responseHeaders;
    const origin = code === 'HPE_HEADER_OVERFLOW' ? originIn(rawPacket) : undefined;
    return (origin !== undefined && this.cors.headersFor(origin)) || [];
  }
}
