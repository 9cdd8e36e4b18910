import { ForbiddenException, Injectable } from '@nestjs/common';
import type { Exchange, Gate } from '@secureconnect/gateway';

/** Only administrators delete. Runs behind the gateway's own gates, so the token is verified. */
@Injectable()
export class DeletionGate implements Gate {
  check({ request, principal }: Exchange): void {
    if (request.method === 'DELETE' && principal?.role !== 'admin') {
      throw new ForbiddenException('Only administrators delete');
    }
  }
}
