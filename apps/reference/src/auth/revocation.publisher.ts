import { Inject, Injectable, Logger } from '@nestjs/common';
import { connect } from 'node:net';
import { SERVICE_CONFIG, type ServiceConfig } from '../service.config.js';

export interface RevokedToken {
  readonly jti: string;
  readonly expires_at: number;
}

const TIMEOUT_MS = 1_000;

/**
 * Tells the gateway of revoked tokens: `SET blacklist:<jti> revoked EX <seconds left>` in Redis. Three commands of
 * Redis' protocol are less than a client library; where no Redis is configured, only this service refuses the tokens.
 */
@Injectable()
export class RevocationPublisher {
  readonly #logger = new Logger();

  constructor(@Inject(SERVICE_CONFIG) private readonly config: ServiceConfig) {}

  async publish(tokens: readonly RevokedToken[]): Promise<void> {
    const { redis } = this.config;
    const now = Math.floor(Date.now() / 1000);
    const live = tokens.filter((token) => token.expires_at > now);
    if (redis === undefined || live.length === 0) return;
    const commands = [
      ...(redis.password ? [['AUTH', redis.password]] : []),
      ...live.map(({ jti, expires_at }) => [
        'SET',
        `blacklist:${jti}`,
        'revoked',
        'EX',
        `${expires_at - now}`,
      ]),
      ['QUIT'],
    ];
    try {
      await send(redis.host, redis.port, commands);
    } catch (error) {
      // The session has ended here all the same; the gateway refuses the token when it expires.
      this.#logger.error(`Revoked tokens were not announced: ${(error as Error).message}`);
    }
  }
}

/** Every command answers with one line here; after QUIT, Redis closes the connection. */
async function send(host: string, port: number, commands: string[][]): Promise<void> {
  const socket = connect({ host, port, signal: AbortSignal.timeout(TIMEOUT_MS) });
  socket.write(commands.map(encode).join(''));
  let replies = '';
  for await (const chunk of socket.setEncoding('utf8')) replies += chunk;
  const refusal = replies.split('\r\n').find((line) => !line.startsWith('+') && line !== '');
  if (refusal !== undefined) throw new Error(refusal);
  if (replies.split('\r\n').length <= commands.length) throw new Error('Redis closed the connection early');
}

function encode(command: string[]): string {
  return `*${command.length}\r\n${command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join('')}`;
}
