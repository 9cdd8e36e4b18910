import { Inject, Injectable, UnauthorizedException } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { SERVICE_CONFIG, type ServiceConfig } from '../service.config.js';

/** A separate audience, so that an access token cannot pass as a service token, or the reverse. */
const AUDIENCE = 'secureconnect-services';
const LIFETIME_SECONDS = 60;
const CLOCK_TOLERANCE_SECONDS = 30;

/** Tokens by which services authenticate to each other. All that have JWT_SECRET can sign them. */
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

  /** @param header an `Authorization` header @throws UnauthorizedException if it has no valid service token */
  async require(header: string | undefined): Promise<void> {
    const token = header?.startsWith('Bearer ') ? header.slice('Bearer '.length) : '';
    await this.jwt
      .verifyAsync(token, { audience: AUDIENCE, clockTolerance: CLOCK_TOLERANCE_SECONDS })
      .catch(() => {
        throw new UnauthorizedException('Invalid token');
      });
  }
}
