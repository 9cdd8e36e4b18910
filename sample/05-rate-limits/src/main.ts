import { runGateway } from '@secureconnect/gateway';
import { AppModule } from './app.module.js';
import { startSearch } from './search.service.js';

await startSearch();
await runGateway(AppModule);
