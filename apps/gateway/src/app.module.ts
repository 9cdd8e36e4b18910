import { GatewayModule } from '@app/gateway';
import { Module } from '@nestjs/common';
import { COMPOSE } from './compose.js';
import { UpstreamsModule } from './upstreams/upstreams.module.js';

/** SecureConnect's gateway. */
@Module({
  imports: [
    GatewayModule.forRoot({
      title: 'SecureConnect gateway',
      auth: {
        audience: 'secureconnect-api',
        issuer: 'secureconnect-auth',
        claims: { userId: 'user_id', username: 'username', role: 'role' },
      },
      cors: {
        additionalOrigins: [
          'http://localhost:3000',
          'http://localhost:8080',
          'http://127.0.0.1:3000',
          'http://127.0.0.1:8080',
        ],
      },
      environments: {
        production: { ...COMPOSE, cors: { additionalOrigins: [] } },
        staging: COMPOSE,
        local: COMPOSE,
      },
    }),
    UpstreamsModule,
    // A team's modules go here.
  ],
})
export class AppModule {}
