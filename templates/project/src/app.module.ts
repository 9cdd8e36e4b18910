import { Module } from '@nestjs/common';
import { GatewayModule } from '@secureconnect/gateway';
import { OrdersModule } from './orders/orders.module.js';

/** The gateway: its settings, and one module for each service behind it. */
@Module({
  imports: [
    // A variable of the environment wins over what is set here; `gateway config` prints all of them.
    GatewayModule.forRoot({
      title: '__NAME__',
      // A token must have this `aud`, and these claims.
      auth: { audience: '__NAME__', claims: { userId: 'sub', role: 'role' } },
    }),
    OrdersModule,
  ],
})
export class AppModule {}
