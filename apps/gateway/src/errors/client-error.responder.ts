import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Metrics } from '../observability/metrics.js';
import { rawAnswer } from './error-answer.js';

/** What Node's parser found wrong, by its code; anything else is 400. */
const ANSWERS: Readonly<Record<string, readonly [number, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request headers too slow'],
  HPE_HEADER_OVERFLOW: [431, 'Request headers too large'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'Chunk extensions too large'],
};

/** A socket as Node's server leaves it at a parse error: with the response that is being written, if any. */
interface ServerSocket extends Socket {
  readonly _httpMessage?: ServerResponse | null;
}

/** Answers bytes that never became a request, in the gateway's own format, and ends their connection. */
@Injectable()
export class ClientErrorResponder implements OnModuleInit {
  private readonly logger = new Logger(ClientErrorResponder.name);

  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly metrics: Metrics,
  ) {}

  onModuleInit(): void {
    this.adapterHost.httpAdapter
      .getHttpServer()
      .on('clientError', (error: NodeJS.ErrnoException, socket: ServerSocket) => {
        this.answer(error, socket);
      })
      // Node hands CONNECT over here, and without a listener ends the connection without a word.
      .on('connect', (_request: IncomingMessage, socket: ServerSocket) => {
        socket.on('error', () => socket.destroy());
        this.answer(Object.assign(new Error('CONNECT'), { code: 'UNSUPPORTED_METHOD' }), socket);
      });
  }

  private answer(error: NodeJS.ErrnoException, socket: ServerSocket): void {
    const isGone = error.code === 'ECONNRESET' || error.code === 'EPIPE' || !socket.writable;
    // Bytes after these would become part of the response that is on its way.
    if (isGone || socket._httpMessage?.headersSent) {
      socket.destroy();
      return;
    }
    const [status, message] = ANSWERS[error.code ?? ''] ?? [400, 'Malformed request'];
    this.logger.log({
      message: 'malformed request',
      status,
      code: error.code,
      client_ip: socket.remoteAddress,
    });
    this.metrics.malformed(status);
    socket.end(rawAnswer(status, message), () => socket.destroy());
  }
}
