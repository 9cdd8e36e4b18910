import { Socket } from 'node:net';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Exchange } from '@app/proxy';
import { HttpException } from '@nestjs/common';
import type { Settings } from '../settings/complete-settings.js';
import { AccessLog, loggedPath } from './access-log.js';
import { createPino } from './gateway-logger.js';

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl';

function createExchange(url: string, template?: string): Exchange {
  const request = new IncomingMessage(new Socket());
  Object.assign(request, { url, method: 'GET', headers: { 'user-agent': 'u'.repeat(300) } });
  const peer = { peerAddress: '127.0.0.1', isPeerTrusted: false, clientAddress: '127.0.0.1' };
  return Object.assign(new Exchange('id-1', request, new ServerResponse(request), peer), { template });
}

describe('loggedPath', () => {
  it.each([
    ['/v1/auth/profile?access_token=x', '/v1/auth/profile', '/v1/auth/profile'],
    ['/v1/storage/objects/abc.def', '/v1/storage/objects/:token', '/v1/storage/objects/[redacted]'],
    ['/v1/a/b/c', '/v1/:token/b/:id', '/v1/[redacted]/b/c'],
    [`/nowhere/${JWT}/x`, undefined, '/nowhere/[redacted]/x'],
    ['/nowhere/v1.2.3', undefined, '/nowhere/v1.2.3'],
    [`/${'x'.repeat(2_000)}`, undefined, `/${'x'.repeat(511)}`],
  ])('of %s with the template %s is %s', (url, template, logged) => {
    expect(loggedPath(createExchange(url, template))).toBe(logged);
  });
});

describe('AccessLog', () => {
  const config = { serviceName: 'api-gateway', logLevel: 'info' } as Settings;

  function write(exchange: Exchange, status: number): Record<string, unknown>[] {
    return linesOf(exchange, status).map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  function linesOf(exchange: Exchange, status: number, message = 'another line'): string[] {
    const lines: string[] = [];
    const output = { write: (line: string) => lines.push(line) };
    const pino = createPino(config, output);
    new AccessLog(config, pino, output).write(exchange, status, 1.23456);
    pino.warn(message);
    return lines;
  }

  it('begins and ends as lines of pino do', () => {
    const [own, other] = write(createExchange('/health'), 200).map((line) => Object.keys(line));

    expect([...own!.slice(0, 3), own!.at(-1)]).toEqual(other);
  });

  it('writes the fields of the contract, and none of an upstream without an attempt', () => {
    const [line] = write(createExchange('/health'), 200);

    expect(line).toMatchObject({ request_id: 'id-1', status: 200, latency: 1.235, client_ip: '127.0.0.1' });
    expect(line).toMatchObject({
      method: 'GET',
      path: '/health',
      user_agent: 'u'.repeat(256),
      level: 'info',
    });
    expect(line).not.toHaveProperty('upstream');
    expect(line).not.toHaveProperty('error_code');
  });

  it('writes no stages of a handshake, whose attempts are not timed', () => {
    const exchange = Object.assign(createExchange('/v1/ws/chat'), {
      attemptCount: 1,
      route: { upstream: 'chat-service' },
    });

    const [line] = write(exchange, 502);

    expect(line).toMatchObject({ attempts: 1, upstream: 'chat-service' });
    expect(line).not.toHaveProperty('stages');
  });

  it('escapes controls that terminals obey, and line separators, in all lines', () => {
    const CSI = '\u009b31m';
    const exchange = createExchange(`/${CSI}\u0085`);
    exchange.request.headers['user-agent'] = `${CSI}caf\u00e9`;

    const lines = linesOf(exchange, 200, `${CSI}\u2028\u2029`);

    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      expect.objectContaining({ path: `/${CSI}\u0085`, user_agent: `${CSI}caf\u00e9` }),
      expect.objectContaining({ message: `${CSI}\u2028\u2029` }),
    ]);
    expect(lines.join('')).not.toMatch(/[\x80-\x9f\u2028\u2029]/);
  });

  it('explains a failure with its cause', () => {
    const cause = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    const exchange = createExchange('/v1/auth/profile', '/v1/auth/profile');
    exchange.failure = new HttpException('No', 502, { cause, errorCode: 'UPSTREAM_UNREACHABLE' });

    expect(write(exchange, 502)[0]).toEqual(
      expect.objectContaining({
        level: 'error',
        error_code: 'UPSTREAM_UNREACHABLE',
        cause: 'ECONNREFUSED: connect',
      }),
    );
  });
});
