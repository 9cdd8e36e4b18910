import {
  BadRequestException,
  Module,
  StandardSchemaValidationPipe,
  type DynamicModule,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { JwtModule } from '@nestjs/jwt';
import { AuthModule } from './auth/auth.module.js';
import { ChatModule } from './chat/chat.module.js';
import { ByteRateService } from './byte-rate.service.js';
import { EnvelopeInterceptor } from './envelope.interceptor.js';
import { ErrorFilter } from './error.filter.js';
import { GracefulStopService } from './graceful-stop.service.js';
import { HealthController } from './health.controller.js';
import { AuthServiceClient } from './memberships/auth-service.client.js';
import { MetricsController } from './metrics.controller.js';
import { MetricsService } from './metrics.service.js';
import { SERVICE_CONFIG, type ServiceConfig } from './service.config.js';
import { StorageModule } from './storage/storage.module.js';
import { SocketRooms } from './sockets/socket.rooms.js';
import { SocketServer } from './sockets/socket.server.js';
import { AccessTokenGuard } from './tokens/access-token.guard.js';
import { AccessTokenVerifier } from './tokens/access-token.verifier.js';
import { ServiceTokens } from './tokens/service-tokens.js';
import { AUDIENCE, ISSUER } from './tokens/access-token.js';
import { VideoModule } from './video/video.module.js';

const FEATURES = { auth: AuthModule, chat: ChatModule, video: VideoModule, storage: StorageModule };

/** The providers of all four services, around the module of the one that runs. */
@Module({})
export class ServiceModule {
  static of(config: ServiceConfig): DynamicModule {
    return {
      module: ServiceModule,
      global: true,
      imports: [
        JwtModule.register({
          secret: config.jwtSecret,
          signOptions: { algorithm: 'HS256', audience: AUDIENCE, issuer: ISSUER, notBefore: 0 },
          verifyOptions: { algorithms: ['HS256'], audience: AUDIENCE, issuer: ISSUER },
        }),
        FEATURES[config.service],
      ],
      controllers: [HealthController, MetricsController],
      providers: [
        { provide: SERVICE_CONFIG, useValue: config },
        { provide: APP_GUARD, useClass: AccessTokenGuard },
        { provide: APP_INTERCEPTOR, useClass: EnvelopeInterceptor },
        { provide: APP_FILTER, useClass: ErrorFilter },
        { provide: APP_PIPE, useValue: new StandardSchemaValidationPipe({ exceptionFactory: invalid }) },
        AccessTokenVerifier,
        ByteRateService,
        GracefulStopService,
        AuthServiceClient,
        MetricsService,
        ServiceTokens,
        SocketRooms,
        SocketServer,
      ],
      exports: [
        SERVICE_CONFIG,
        ByteRateService,
        JwtModule,
        AuthServiceClient,
        MetricsService,
        ServiceTokens,
        SocketRooms,
        SocketServer,
      ],
    };
  }
}

function invalid(issues: readonly { message: string; path?: readonly unknown[] | undefined }[]) {
  const faults = issues.map(({ message, path }) =>
    path?.length ? `${path.join('.')}: ${message}` : message,
  );
  return new BadRequestException(faults.join('; '), { errorCode: 'VALIDATION_FAILED' });
}
