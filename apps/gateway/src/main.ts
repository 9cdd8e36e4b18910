import { runGateway } from '@app/gateway';
import { AppModule } from './app.module.js';

await runGateway(AppModule);
