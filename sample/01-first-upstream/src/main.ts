import { runGateway } from '@secureconnect/gateway';
import { AppModule } from './app.module.js';
import { startItems } from './items.service.js';

await startItems();
await runGateway(AppModule);
