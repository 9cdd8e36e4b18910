import { Injectable, UnauthorizedException } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { Database } from '../database.js';
import { ACCESS_TOKEN_SECONDS, type AccessClaims } from '../tokens/access-token.js';
import { RevocationPublisher, type RevokedToken } from './revocation.publisher.js';
import { UsersService, type User } from './users.service.js';

const REFRESH_TOKEN_SECONDS = 30 * 24 * 60 * 60;

/** A refresh token names its session, and the rotation of it that it is good for. */
const RefreshClaims = z.object({ user_id: z.guid(), sid: z.guid(), rotation: z.guid(), role: z.literal('') });

export interface TokenPair {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly token_type: 'Bearer';
  readonly expires_in: number;
}

/** Opens, continues and ends sessions; whatever ends one also revokes every access token it gave out. */
@Injectable()
export class SessionService {
  constructor(
    private readonly database: Database,
    private readonly jwt: JwtService,
    private readonly users: UsersService,
    private readonly revocations: RevocationPublisher,
  ) {}

  async open(user: User): Promise<TokenPair> {
    const [id, rotation, now] = [randomUUID(), randomUUID(), seconds()];
    this.database.run`DELETE FROM sessions WHERE expires_at < ${now}`;
    this.database.run`DELETE FROM access_tokens WHERE expires_at < ${now}`;
    this.database.run`
      INSERT INTO sessions (id, user_id, rotation, expires_at)
      VALUES (${id}, ${user.id}, ${rotation}, ${now + REFRESH_TOKEN_SECONDS})`;
    return this.#issue(user, id, rotation);
  }

  async refresh(refreshToken: string): Promise<TokenPair> {
    const payload: unknown = await this.jwt.verifyAsync(refreshToken).catch(() => undefined);
    const claims = RefreshClaims.safeParse(payload);
    if (!claims.success) throw invalidRefreshToken();
    const { sid, user_id, rotation } = claims.data;
    const next = randomUUID();
    const isCurrent = this.database.run`
      UPDATE sessions SET rotation = ${next}, expires_at = ${seconds() + REFRESH_TOKEN_SECONDS}
      WHERE id = ${sid} AND rotation = ${rotation}`;
    if (!isCurrent) {
      // Used twice, so two hold it, and one of them stole it: neither goes on.
      this.#end(sid);
      throw invalidRefreshToken();
    }
    return this.#issue(this.users.get(user_id), sid, next);
  }

  /** Ends the session of this access token; the token is refused from now on, wherever it came from. */
  close({ jti, user_id, exp }: AccessClaims): void {
    const sessionId = this.#sessionOf(jti);
    if (sessionId !== null) return this.#end(sessionId);
    this.database.run`
      INSERT OR REPLACE INTO access_tokens (jti, user_id, expires_at, revoked) VALUES (${jti}, ${user_id}, ${exp}, 1)`;
    this.revocations.publish([{ jti, expires_at: exp }]);
  }

  /** Ends every session of the user, save the one of the access token given. */
  closeAll(userId: string, keep?: AccessClaims): void {
    const kept = keep ? this.#sessionOf(keep.jti) : null;
    const sessions = this.database.rows<{ id: string }>`
      SELECT id FROM sessions WHERE user_id = ${userId} AND id IS NOT ${kept}`;
    this.#end(...sessions.map(({ id }) => id));
  }

  isRevoked(jti: string): boolean {
    return this.database.row`SELECT 1 FROM access_tokens WHERE jti = ${jti} AND revoked` !== undefined;
  }

  async #issue(user: User, sessionId: string, rotation: string): Promise<TokenPair> {
    const jti = randomUUID();
    const { id: user_id, email, username, role } = user;
    this.database.run`
      INSERT INTO access_tokens (jti, session_id, user_id, expires_at)
      VALUES (${jti}, ${sessionId}, ${user_id}, ${seconds() + ACCESS_TOKEN_SECONDS})`;
    return {
      access_token: await this.jwt.signAsync(
        { user_id, email, username, role },
        { subject: user_id, jwtid: jti, expiresIn: ACCESS_TOKEN_SECONDS },
      ),
      refresh_token: await this.jwt.signAsync(
        { user_id, email, username, role: '', sid: sessionId, rotation },
        { subject: user_id, expiresIn: REFRESH_TOKEN_SECONDS },
      ),
      token_type: 'Bearer',
      expires_in: ACCESS_TOKEN_SECONDS,
    };
  }

  #sessionOf(jti: string): string | null {
    type Row = { session_id: string | null };
    return (
      this.database.row<Row>`SELECT session_id FROM access_tokens WHERE jti = ${jti}`?.session_id ?? null
    );
  }

  #end(...sessionIds: string[]): void {
    const ids = JSON.stringify(sessionIds);
    let revoked: RevokedToken[] = [];
    this.database.transaction(() => {
      this.database.run`DELETE FROM sessions WHERE id IN (SELECT value FROM json_each(${ids}))`;
      revoked = this.database.rows<RevokedToken>`
        UPDATE access_tokens SET revoked = 1
        WHERE session_id IN (SELECT value FROM json_each(${ids})) AND NOT revoked
        RETURNING jti, expires_at`;
    });
    this.revocations.publish(revoked);
  }
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}

function invalidRefreshToken(): UnauthorizedException {
  return new UnauthorizedException('Invalid refresh token', { errorCode: 'INVALID_REFRESH_TOKEN' });
}
