import { runGateway } from '@secureconnect/gateway';
import { AppModule } from './app.module.js';

await runGateway(AppModule);
