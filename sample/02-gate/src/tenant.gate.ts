import type { Exchange, Gate } from '@secureconnect/gateway';
import { ForbiddenException, Injectable } from '@nestjs/common';

const TENANT_OF_KEY: ReadonlyMap<string, string> = new Map([
  ['key-of-acme', 'acme'],
  ['key-of-umbrella', 'umbrella'],
]);

/** Lets a request pass if its key belongs to a tenant, and tells the service the tenant in place of the key. */
@Injectable()
export class TenantGate implements Gate {
  check({ request, requestHeaders }: Exchange): void {
    const tenant = TENANT_OF_KEY.get(String(request.headers['x-api-key']));
    if (tenant === undefined) throw new ForbiddenException('Unknown API key');
    requestHeaders.set('X-Tenant', tenant);
    requestHeaders.remove('X-Api-Key');
  }
}
