import { runGateway } from '@secureconnect/gateway';
import { AppModule } from './app.module.js';
import { startProfiles } from './profiles.service.js';

await startProfiles();
await runGateway(AppModule);
