import { runGateway } from '@secureconnect/gateway';
import { AppModule } from './app.module.js';
import { startBooks } from './books.service.js';

await startBooks();
await runGateway(AppModule);
