import { Injectable, UnauthorizedException } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { Database } from '../database.js';
import { ACCESS_TOKEN_SECONDS, type AccessClaims } from '../tokens/access-token.js';
import {
  CLOCK_TOLERANCE_SECONDS,
  RevocationPublisher,
  type RevokedSession,
  type RevokedToken,
} from './revocation.publisher.js';
import { UsersService, type Credentials, type User } from './users.service.js';

const REFRESH_TOKEN_SECONDS = 30 * 24 * 60 * 60;

/** Limits of the sessions of a user and the live access tokens of a session: a user's revocations are at most 2,100. */
const MAX_SESSIONS = 100;
const MAX_TOKENS = 20;

/** A refresh token names its session, and the rotation in which it is valid. */
const RefreshClaims = z.object({ user_id: z.guid(), sid: z.guid(), rotation: z.guid(), role: z.literal('') });

export interface TokenPair {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly token_type: 'Bearer';
  readonly expires_in: number;
}

export type Session = TokenPair & { readonly user: User };

/** The content of the tokens of a session. */
interface Grant {
  readonly user: User;
  readonly sessionId: string;
  readonly rotation: string;
  readonly jti: string;
}

/** Opens, renews and ends sessions. The end of a session revokes all its access tokens. */
@Injectable()
export class SessionService {
  constructor(
    private readonly database: Database,
    private readonly jwt: JwtService,
    private readonly users: UsersService,
    private readonly revocations: RevocationPublisher,
  ) {}

  /**
   * Opens a session for a user whose password was right. A user's 101st session ends the one that was not renewed for
   * longest.
   *
   * @returns undefined if the password was changed meanwhile: it is hashed outside of the transaction. A change after the
   * transaction finds this session and ends it.
   */
  async open(credentials: Credentials): Promise<Session | undefined> {
    const opened = this.database.transaction(() => {
      if (!this.users.hasPassword(credentials)) return undefined;
      const now = seconds();
      this.database.run`DELETE FROM sessions WHERE expires_at < ${now}`;
      this.database.run`DELETE FROM access_tokens WHERE expires_at < ${now}`;
      this.#endOldest(credentials.id);
      const user = this.users.get(credentials.id);
      const [id, rotation] = [randomUUID(), randomUUID()];
      this.database.run`
        INSERT INTO sessions (id, user_id, rotation, expires_at)
        VALUES (${id}, ${user.id}, ${rotation}, ${now + REFRESH_TOKEN_SECONDS})`;
      return this.#grant(user, id, rotation);
    });
    return opened && { user: opened.user, ...(await this.#sign(opened)) };
  }

  async refresh(refreshToken: string): Promise<TokenPair> {
    const payload: unknown = await this.jwt.verifyAsync(refreshToken).catch(() => undefined);
    const claims = RefreshClaims.safeParse(payload);
    if (!claims.success) throw invalidRefreshToken();
    const { sid, user_id, rotation } = claims.data;
    const next = randomUUID();
    const grant = this.database.transaction(() => {
      const isCurrent = this.database.run`
        UPDATE sessions SET rotation = ${next}, expires_at = ${seconds() + REFRESH_TOKEN_SECONDS}
        WHERE id = ${sid} AND rotation = ${rotation}`;
      return isCurrent ? this.#grant(this.users.get(user_id), sid, next) : undefined;
    });
    if (grant) return this.#sign(grant);
    // A second use shows that the token was stolen, so the session ends for both holders.
    this.#end(user_id, sid);
    throw invalidRefreshToken();
  }

  /** Ends the session of an access token, and revokes the token also if it has no session. */
  close({ jti, sid, user_id, exp }: AccessClaims): void {
    const sessionId = sid ?? this.#sessionOf(jti);
    if (sessionId !== null) return this.#end(user_id, sessionId);
    this.database.transaction(() => {
      this.database.run`
        INSERT OR REPLACE INTO access_tokens (jti, user_id, expires_at, revoked)
        VALUES (${jti}, ${user_id}, ${exp}, 1)`;
      this.revocations.publish({ userId: user_id, tokens: [{ jti, expires_at: exp }], sessions: [] });
    });
  }

  /**
   * Changes an account and ends its sessions, in one transaction.
   *
   * @param findUser returns the user's id, or throws
   * @param change makes the change, after the sessions have ended, since a deleted user has none
   * @param keep an access token whose session stays open. Default: none
   */
  closeAll(findUser: () => string, change: (userId: string) => void, keep?: AccessClaims): void {
    this.database.transaction(() => {
      const userId = findUser();
      const kept = keep ? (keep.sid ?? this.#sessionOf(keep.jti)) : null;
      const sessions = this.database.rows<RevokedSession>`
        DELETE FROM sessions
        WHERE user_id = ${userId} AND id IS NOT ${kept} AND expires_at > ${seconds()} RETURNING id`;
      const tokens = this.database.rows<RevokedToken>`
        UPDATE access_tokens SET revoked = 1
        WHERE user_id = ${userId} AND session_id IS NOT ${kept} AND NOT revoked AND expires_at > ${oldestExpiry()}
        RETURNING jti, expires_at`;
      change(userId);
      this.revocations.publish({ userId, tokens, sessions });
    });
  }

  isRevoked(jti: string): boolean {
    return this.database.row`SELECT 1 FROM access_tokens WHERE jti = ${jti} AND revoked` !== undefined;
  }

  /**
   * Records a new access token. To be called in the transaction that checked the session, or the end of the session would
   * miss the token. The 21st live token of a session revokes the oldest.
   */
  #grant(user: User, sessionId: string, rotation: string): Grant {
    const jti = randomUUID();
    const tokens = this.database.rows<RevokedToken>`
      UPDATE access_tokens SET revoked = 1
      WHERE rowid IN (
        SELECT rowid FROM access_tokens
        WHERE session_id = ${sessionId} AND NOT revoked AND expires_at > ${oldestExpiry()}
        ORDER BY rowid DESC LIMIT -1 OFFSET ${MAX_TOKENS - 1})
      RETURNING jti, expires_at`;
    this.revocations.publish({ userId: user.id, tokens, sessions: [] });
    this.database.run`
      INSERT INTO access_tokens (jti, session_id, user_id, expires_at)
      VALUES (${jti}, ${sessionId}, ${user.id}, ${seconds() + ACCESS_TOKEN_SECONDS})`;
    return { user, sessionId, rotation, jti };
  }

  async #sign({ user, sessionId, rotation, jti }: Grant): Promise<TokenPair> {
    const { id: user_id, email, username, role } = user;
    return {
      access_token: await this.jwt.signAsync(
        { user_id, email, username, role, sid: sessionId },
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

  /** Ends the sessions above the limit, so that the user can open one more. */
  #endOldest(userId: string): void {
    const ended = this.database.rows<RevokedSession>`
      SELECT id FROM sessions WHERE user_id = ${userId}
      ORDER BY expires_at DESC, rowid DESC LIMIT -1 OFFSET ${MAX_SESSIONS - 1}`;
    for (const { id } of ended) this.#end(userId, id);
  }

  #end(userId: string, sessionId: string): void {
    this.database.transaction(() => {
      this.database.run`DELETE FROM sessions WHERE id = ${sessionId}`;
      const tokens = this.database.rows<RevokedToken>`
        UPDATE access_tokens SET revoked = 1
        WHERE session_id = ${sessionId} AND NOT revoked AND expires_at > ${oldestExpiry()}
        RETURNING jti, expires_at`;
      this.revocations.publish({ userId, tokens, sessions: [{ id: sessionId }] });
    });
  }
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** The gateways refuse tokens that expired before, even with the largest allowed difference of clocks. */
function oldestExpiry(): number {
  return seconds() - CLOCK_TOLERANCE_SECONDS;
}

function invalidRefreshToken(): UnauthorizedException {
  return new UnauthorizedException('Invalid refresh token', { errorCode: 'INVALID_REFRESH_TOKEN' });
}
