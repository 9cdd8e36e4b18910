import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Metrics } from '../observability/metrics.js';
import { linger, lingerOn } from '../server/lingering-close.js';
import { pendingResponseOf } from '../server/pending-response.js';
import { rawAnswer } from './error-answer.js';

/** What Node's parser found wrong, by its code; anything else is 400. */
const ANSWERS: Readonly<Record<string, readonly [number, string]>> = {
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
function isUnused({ code }: NodeJS.ErrnoException, { bytesRead }: Socket): boolean {
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' && bytesRead === 0;
}

/** Answers bytes that never became a request, in the gateway's own format, and ends their connection. */
@Injectable()
export class ClientErrorResponder implements OnModuleInit {
  private readonly logger = new Logger(ClientErrorResponder.name);
  /** Node reports every later chunk of a connection as a fault too; each connection is answered once. */
  private readonly faulty = new WeakSet<Socket>();

  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly metrics: Metrics,
  ) {}

  onModuleInit(): void {
    this.adapterHost.httpAdapter
      .getHttpServer()
      .on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
        this.answer(error, socket);
      })
      // Node hands CONNECT over here, and without a listener ends the connection without a word.
      .on('connect', (_request: IncomingMessage, socket: Socket) => {
        socket.on('error', () => socket.destroy());
        this.answer(Object.assign(new Error('CONNECT'), { code: 'UNSUPPORTED_METHOD' }), socket);
      });
  }

  private answer(error: NodeJS.ErrnoException, socket: Socket): void {
    if (LEFT.has(error.code ?? '') || !socket.writable || isUnused(error, socket)) {
      socket.destroy();
      return;
    }
    if (this.faulty.has(socket)) {
      lingerOn(socket);
      return;
    }
    this.faulty.add(socket);
    this.answerInTurn(error, socket);
  }

  /** The answer to a complete request goes first: the fault lies in what the client sent behind it. */
  private answerInTurn(error: NodeJS.ErrnoException, socket: Socket): void {
    const pending = pendingResponseOf(socket);
    if (!socket.writable) {
      socket.destroy();
    } else if (pending?.req.complete) {
      pending.once('close', () => this.answerInTurn(error, socket));
    } else if (pending?.headersSent) {
      // More bytes would become part of the response that is on its way.
      socket.destroy();
    } else {
      const [status, message] = ANSWERS[error.code ?? ''] ?? [400, 'Malformed request'];
      this.logger.log({
        message: 'malformed request',
        status,
        code: error.code,
        client_ip: socket.remoteAddress,
      });
      this.metrics.malformed(status);
      linger(socket, rawAnswer(status, message));
    }
  }
}
