import { SETTINGS, type Settings } from '../settings/complete-settings.js';
import { pathOf, type Exchange } from '@app/proxy/internal';
import { Inject, Injectable, type HttpException } from '@nestjs/common';
import type { DestinationStream, Logger } from 'pino';
import { quote } from './escape-line.js';
import { PINO } from './gateway-logger.js';
import { redactTokens } from './redact-tokens.js';
import { TimestampClock } from './timestamp-clock.js';

/** Injection token of the output of log lines. */
export const LINES = Symbol('LINES');

/** Characters of a path and of a `User-Agent` in a line; the rest is cut. */
const PATH_LENGTH = 512;
const USER_AGENT_LENGTH = 256;

/**
 * Writes one line at the end of each exchange, in the format of pino's lines. Pino itself would add a tenth to the CPU
 * time of a small request.
 */
@Injectable()
export class AccessLog {
  private readonly clock = new TimestampClock();
  /** As a string of JSON. */
  private readonly service: string;

  constructor(
    @Inject(SETTINGS) config: Settings,
    @Inject(PINO) private readonly pino: Logger,
    @Inject(LINES) private readonly lines: DestinationStream,
  ) {
    this.service = quote(config.serviceName);
  }

  /** @param status of the response; 499 if the client left first */
  write(exchange: Exchange, status: number, elapsedMs: number): void {
    const { request, failure } = exchange;
    const level = status >= 500 ? 'error' : 'info';
    if (!this.pino.isLevelEnabled(level)) return;
    const userAgent = request.headers['user-agent'];
    // Joined by hand, as no object needs to be made of the fields: a third of the time of `JSON.stringify`.
    let line =
      `{"level":"${level}","timestamp":"${this.clock.now()}","service":${this.service},` +
      `"request_id":${quote(exchange.id)},"status":${status},"latency":${Math.round(elapsedMs * 1000) / 1000},` +
      `"client_ip":${quote(exchange.clientAddress)},"method":${quote(request.method!)},` +
      `"path":${quote(loggedPath(exchange))}`;
    if (userAgent !== undefined) line += `,"user_agent":${quote(userAgent.slice(0, USER_AGENT_LENGTH))}`;
    if (exchange.attemptCount > 0) line += upstreamFields(exchange);
    if (status >= 500 && exchange.attemptedAt > 0) line += `,"stages":${JSON.stringify(stagesOf(exchange))}`;
    if (failure) line += failureFields(failure);
    this.lines.write(`${line},"message":"request"}\n`);
  }
}

function upstreamFields(exchange: Exchange): string {
  const { upstream, instance, attemptCount, reusedConnection, requestBytes, responseBytes } = exchange;
  const names =
    (upstream === undefined ? '' : `,"upstream":${quote(upstream)}`) +
    (instance === undefined ? '' : `,"instance":${quote(instance)}`);
  return (
    `${names},"attempts":${attemptCount},"reused_connection":${reusedConnection}` +
    `,"request_bytes":${requestBytes},"response_bytes":${responseBytes}`
  );
}

function failureFields(failure: HttpException): string {
  const { errorCode } = failure;
  // Nest's own exceptions have no code, and the message of its 404 contains the query, which may hold a token.
  const error = errorCode === undefined || errorCode === '' ? undefined : failure.message;
  const fields = {
    error_code: errorCode,
    stage: (failure as { stage?: string }).stage,
    error,
    cause: causeOf(failure.cause),
  };
  return Object.entries(fields)
    .map(([name, value]) => (value === undefined ? '' : `,"${name}":${quote(value)}`))
    .join('');
}

/** Duration of each stage of the last attempt, in milliseconds. The last stage lasts until now. */
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

/** Path of a request for the log, with `[redacted]` for tokens, and without the query, which may hold one. */
export function loggedPath(exchange: Exchange): string {
  // Cut after the redaction: half a token is a secret too, and no longer looks like one.
  const path = redactTokens(pathOf(exchange.url)).slice(0, PATH_LENGTH);
  if (!exchange.template?.includes('token')) return path;
  const names = exchange.template.split(/[/{}]+/);
  const wildcard = names.indexOf('*token');
  if (wildcard === -1 && !names.includes(':token')) return path;
  const segments = path.split('/');
  const shown = wildcard === -1 ? segments : [...segments.slice(0, wildcard), '[redacted]'];
  return shown.map((segment, index) => (names[index] === ':token' ? '[redacted]' : segment)).join('/');
}

function causeOf(cause: unknown): string | undefined {
  if (typeof cause !== 'object' || cause === null) return undefined;
  const { code, message } = cause as NodeJS.ErrnoException;
  return code === undefined ? message : `${code}: ${message}`;
}
