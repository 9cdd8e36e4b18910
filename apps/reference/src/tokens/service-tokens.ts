import { Inject, Injectable, UnauthorizedException } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { SERVICE_CONFIG, type ServiceConfig } from '../service.config.js';

/** Another audience than that of access tokens, so that neither kind can be passed off as the other. */
const AUDIENCE = 'secureconnect-services';
const LIFETIME_SECONDS = 60;
const CLOCK_TOLERANCE_SECONDS = 30;

/** Tokens by which services of this system know each other: who has the secret may sign them. */
@Injectable()
export class ServiceTokens {
  constructor(
    private readonly jwt: JwtService,
    @Inject(SERVICE_CONFIG) private readonly config: ServiceConfig,
  ) {}

  sign(): Promise<string> {
    const { service } = this.config;
    return this.jwt.signAsync({}, { subject: service, audience: AUDIENCE, expiresIn: LIFETIME_SECONDS });
  }

  /** @param header an `Authorization` header @throws UnauthorizedException */
  async require(header: string | undefined): Promise<void> {
    const token = header?.startsWith('Bearer ') ? header.slice('Bearer '.length) : '';
    await this.jwt
      .verifyAsync(token, { audience: AUDIENCE, clockTolerance: CLOCK_TOLERANCE_SECONDS })
      .catch(() => {
        throw new UnauthorizedException('Invalid token');
      });
  }
}
