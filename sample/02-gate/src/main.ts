import { runGateway } from '@secureconnect/gateway';
import { AppModule } from './app.module.js';
import { startOrders } from './orders.service.js';

await startOrders();
await runGateway(AppModule);
