import { GatewayModule } from '@app/gateway';
import { Controller, Get, Injectable, Logger, Module, type OnModuleInit } from '@nestjs/common';
import { startGateway } from '../support/gateway.js';

// Made when the module is imported, long before the gateway.
const early = new Logger('Early');

@Injectable()
class NoisyService implements OnModuleInit {
  private readonly logger = new Logger(NoisyService.name);

  constructor() {
    early.log('before the settings');
    this.logger.warn({ message: 'constructed', tenant: 'acme' });
  }

  onModuleInit(): void {
    this.logger.debug('below the level');
    Logger.log('initialized', 'Static');
  }
}

@Controller('noise')
class NoisyController {
  @Get()
  make(): string {
    early.log('after the boot');
    early.error('failed', new Error('broken').stack);
    early.error(new Error('thrown'));
    early.verbose('below the level');
    return 'made';
  }
}

@Module({
  imports: [GatewayModule.forRoot()],
  controllers: [NoisyController],
  providers: [NoisyService],
})
class TeamModule {}

describe("Nest's Logger", () => {
  it("writes a team's lines to the log of the gateway, before and after the boot", async () => {
    await using gateway = await startGateway({ root: TeamModule });
    await (await fetch(`${gateway.url}/noise`)).text();

    const lines = gateway.logs.filter(({ context }) =>
      ['Early', 'NoisyService', 'Static'].includes(String(context)),
    );

    expect(lines).toMatchObject([
      // Written at once, while the line before it waits for the level of the settings.
      { level: 'warn', context: 'NoisyService', message: 'constructed', tenant: 'acme' },
      { level: 'info', context: 'Early', message: 'before the settings' },
      { level: 'info', context: 'Static', message: 'initialized' },
      { level: 'info', context: 'Early', message: 'after the boot' },
      { level: 'error', context: 'Early', message: 'failed', stack: expect.stringContaining('broken') },
      { level: 'error', context: 'Early', message: 'thrown', err: { message: 'thrown' } },
    ]);
    for (const line of lines)
      expect(line).toMatchObject({ service: 'api-gateway', timestamp: expect.stringMatching(/^\d{4}-/) });
  });
});
