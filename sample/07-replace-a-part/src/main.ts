import { runGateway } from '@secureconnect/gateway';
import { AppModule } from './app.module.js';
import { startStock } from './stock.service.js';

await startStock('A', 4107);
await startStock('B', 4117);
await runGateway(AppModule);
