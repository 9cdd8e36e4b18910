import { runGateway } from '@secureconnect/gateway';
import { AppModule } from './app.module.js';
import { startEcho } from './echo.service.js';

await startEcho();
await runGateway(AppModule);
