import { SETTINGS, type Settings } from '@app/gateway';
import { pathOf, type Exchange } from '@app/proxy';
import { Inject, Injectable } from '@nestjs/common';
import type { DestinationStream, Logger } from 'pino';
import { escapeLine } from './escape-line.js';
import { PINO } from './gateway-logger.js';
import { redactTokens } from './redact-tokens.js';

export const LINES = Symbol('LINES');

const PATH_LENGTH = 512;
const USER_AGENT_LENGTH = 256;

/**
 * Writes one line at the end of each exchange, in the form that pino gives to all others, and without pino: a small
 * request would take a tenth more CPU.
 */
@Injectable()
export class AccessLog {
  private readonly service: string;

  constructor(
    @Inject(SETTINGS) config: Settings,
    @Inject(PINO) private readonly pino: Logger,
    @Inject(LINES) private readonly lines: DestinationStream,
  ) {
    this.service = config.serviceName;
  }

  /** @param status what the client got; 499 where it left first */
  write(exchange: Exchange, status: number, elapsedMs: number): void {
    const { request, failure } = exchange;
    const level = status >= 500 ? 'error' : 'info';
    if (!this.pino.isLevelEnabled(level)) return;
    const line = {
      level,
      timestamp: new Date().toISOString(),
      service: this.service,
      request_id: exchange.id,
      status,
      latency: Math.round(elapsedMs * 1000) / 1000,
      client_ip: exchange.clientAddress,
      method: request.method,
      path: loggedPath(exchange),
      user_agent: request.headers['user-agent']?.slice(0, USER_AGENT_LENGTH),
      ...(exchange.attempts > 0 && {
        upstream: exchange.upstream,
        instance: exchange.instance,
        attempts: exchange.attempts,
        reused_connection: exchange.reusedConnection,
        request_bytes: exchange.requestBytes,
        response_bytes: exchange.responseBytes,
      }),
      ...(status >= 500 && exchange.attemptedAt > 0 && { stages: stagesOf(exchange) }),
      ...(failure && {
        error_code: failure.errorCode,
        stage: (failure as { stage?: string }).stage,
        // Nest's own exceptions have no code, and its 404 repeats the path with its query.
        error: failure.errorCode && failure.message,
        cause: causeOf(failure.cause),
      }),
      message: 'request',
    };
    this.lines.write(`${escapeLine(JSON.stringify(line))}\n`);
  }
}

/** How long each stage of the last attempt took, in milliseconds; the last one goes on until now. */
function stagesOf({ attemptedAt, connectedAt, sentAt, responseAt }: Exchange): Record<string, number> {
  const now = performance.now();
  const took = (from: number, to: number): number => Math.round(((to || now) - from) * 10) / 10;
  return {
    connect: took(attemptedAt, connectedAt),
    ...(connectedAt > 0 && { send: took(connectedAt, sentAt) }),
    ...(sentAt > 0 && { wait: took(sentAt, responseAt) }),
    ...(responseAt > 0 && { receive: took(responseAt, 0) }),
  };
}

/** The path without its query, which may hold a token, and with the parameters that are secrets hidden. */
export function loggedPath(exchange: Exchange): string {
  // Before it is cut: half a token is a secret too.
  const path = redactTokens(pathOf(exchange.request.url!)).slice(0, PATH_LENGTH);
  if (!exchange.template?.includes('/:token')) return path;
  const names = exchange.template.split('/');
  return path
    .split('/')
    .map((segment, index) => (names[index] === ':token' ? '[redacted]' : segment))
    .join('/');
}

function causeOf(cause: unknown): string | undefined {
  if (typeof cause !== 'object' || cause === null) return undefined;
  const { code, message } = cause as NodeJS.ErrnoException;
  return code === undefined ? message : `${code}: ${message}`;
}
