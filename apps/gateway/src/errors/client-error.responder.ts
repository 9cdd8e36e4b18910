import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import {
  connectionOf,
  type GatewayHttpAdapter,
  linger,
  lingerOn,
  pendingResponseOf,
  formatRawResponse,
} from '@app/gateway';
import { exchangeOf } from '@app/proxy';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { CorsPolicy } from '../cors/cors-policy.js';
import { Metrics } from '../observability/metrics.js';

/** What Node's parser found wrong, by its code; anything else is 400. */
const RESPONSES: Readonly<Record<string, readonly [number, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request headers too slow'],
  HPE_HEADER_OVERFLOW: [431, 'Request headers too large'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'Chunk extensions too large'],
};

/** The client has gone; an end in the middle of a request is no different from a reset. */
const LEFT: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'HPE_INVALID_EOF_STATE']);

/**
 * Whether the time for a request has passed without a byte. Browsers open connections in advance, and would take a 408
 * on one of them for the response to what they send there later.
 */
function isUnused(error: NodeJS.ErrnoException, { bytesRead }: Socket): boolean {
  return isLateHead(error) && bytesRead === 0;
}

function isLateHead({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ERR_HTTP_REQUEST_TIMEOUT';
}

/** What Node tells of bytes that its parser refused. */
interface ClientError extends NodeJS.ErrnoException {
  /** The bytes that were read last. */
  readonly rawPacket?: Buffer;
}

const ORIGIN = /\r\norigin:([^\r\n]*)(?=\r\n)/gi;

/** The `Origin` of a head that was too large, if it has one and all of it was read at once. */
function originIn(packet: Buffer | undefined): string | undefined {
  const [origin, ...more] = [...(packet?.toString('latin1') ?? '').matchAll(ORIGIN)];
  return more.length > 0 ? undefined : origin?.[1]!.trim();
}

/** Answers bytes that never became a request, in the gateway's own format, and ends their connection. */
@Injectable()
export class ClientErrorResponder implements OnModuleInit {
  private readonly logger = new Logger(ClientErrorResponder.name);

  constructor(
    private readonly adapterHost: HttpAdapterHost<GatewayHttpAdapter>,
    private readonly metrics: Metrics,
    private readonly cors: CorsPolicy,
  ) {}

  onModuleInit(): void {
    const { pipelining: turns } = this.adapterHost.httpAdapter;
    this.adapterHost.httpAdapter
      .getHttpServer()
      .on('clientError', (error: ClientError, socket: Socket) => {
        const respond = (): void => this.answer(error, socket);
        if (!isLateHead(error) || !turns.excuseLateHead(socket, respond)) respond();
      })
      // Node hands CONNECT over here, and without a listener ends the connection without a word.
      .on('connect', (_request: IncomingMessage, socket: Socket) => {
        socket.on('error', () => socket.destroy());
        this.answer(Object.assign(new Error('CONNECT'), { code: 'UNSUPPORTED_METHOD' }), socket);
      });
  }

  private answer(error: ClientError, socket: Socket): void {
    if (LEFT.has(error.code ?? '') || !socket.writable || isUnused(error, socket)) {
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

  /** The answer to a complete request goes first: the fault lies in what the client sent behind it. */
  private respondInTurn(error: ClientError, socket: Socket): void {
    const pending = pendingResponseOf(socket);
    if (!socket.writable) {
      socket.destroy();
    } else if (pending?.req.complete) {
      pending.once('close', () => this.respondInTurn(error, socket));
    } else if (pending?.headersSent) {
      // More bytes would become part of the response that is on its way.
      socket.destroy();
    } else {
      const [status, message] = RESPONSES[error.code ?? ''] ?? [400, 'Malformed request'];
      this.logger.log({
        message: 'malformed request',
        status,
        code: error.code,
        client_ip: socket.remoteAddress,
      });
      this.metrics.malformed(status);
      linger(socket, formatRawResponse(status, message, this.headersFor(error, pending)));
    }
  }

  /** Those of the exchange whose body is at fault; or what a page needs to read that its headers were too large. */
  private headersFor({ code, rawPacket }: ClientError, pending?: ServerResponse): readonly string[] {
    const exchange = pending && exchangeOf(pending.req);
    if (exchange) return exchange.responseHeaders;
    const origin = code === 'HPE_HEADER_OVERFLOW' ? originIn(rawPacket) : undefined;
    return (origin !== undefined && this.cors.headersFor(origin)) || [];
  }
}
