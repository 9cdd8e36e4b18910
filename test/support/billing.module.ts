import { AuthGuard, CurrentPrincipal, type Principal } from '@app/auth';
import { Upstream, type Exchange, type Gate } from '@app/proxy';
import { Controller, ForbiddenException, Get, Injectable, Module, UseGuards } from '@nestjs/common';
import { HealthIndicatorService, TerminusModule, type HealthIndicatorResult } from '@nestjs/terminus';
import { ReadinessCheck, type ReadinessIndicator } from '@app/gateway';

@Injectable()
class TenantGate implements Gate {
  check({ request }: Exchange): void {
    if (!request.headers['x-tenant']) throw new ForbiddenException('Tenant required');
  }
}

@Upstream({
  name: 'billing-service',
  instances: ['http://localhost:8090'],
  gates: [TenantGate],
  routes: [
    { methods: ['GET'], path: '/v1/plans', auth: 'none' },
    { methods: ['GET', 'DELETE'], path: '/v1/invoices/:id' },
  ],
})
class BillingUpstream {}

@Controller('v1/billing')
class BillingController {
  @Get('whoami')
  @UseGuards(AuthGuard)
  read(@CurrentPrincipal() { userId }: Principal): { userId: string } {
    return { userId };
  }
}

/** The resource of the readiness check. A test may close it. */
@Injectable()
export class Ledger {
  isOpen = true;
}

@ReadinessCheck()
class LedgerHealth implements ReadinessIndicator {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly ledger: Ledger,
  ) {}

  check(): HealthIndicatorResult {
    const indicator = this.indicators.check('ledger');
    return this.ledger.isOpen ? indicator.up() : indicator.down('closed');
  }
}

/** The module of another team, as in the documentation of adding a service. */
@Module({
  imports: [TerminusModule],
  controllers: [BillingController],
  providers: [BillingUpstream, TenantGate, Ledger, LedgerHealth],
})
export class BillingModule {}
