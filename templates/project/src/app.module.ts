import { Module } from '@nestjs/common';
import { GatewayModule } from '@secureconnect/gateway';
import { OrdersModule } from './orders/orders.module.js';

/** The gateway: its settings, and one module for each service behind it. */
@Module({
  imports: [
    // A variable of the environment wins over what is set here; `gateway config` prints all of them.
    GatewayModule.forRoot({
      title: '__NAME__',
      auth: { claims: { userId: 'sub', role: 'role' } },
    }),
    OrdersModule,
  ],
})
export class AppModule {}
