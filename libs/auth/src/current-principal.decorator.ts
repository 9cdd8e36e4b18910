import type { IncomingMessage } from 'node:http';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { principalOf, type Principal } from './principal.js';

/** Injects the principal of a request that passed `AuthGuard`. @throws Error on a route without the guard */
export const CurrentPrincipal = createParamDecorator(
  (_data: unknown, context: ExecutionContext): Principal => {
    const principal = principalOf(context.switchToHttp().getRequest<IncomingMessage>());
    if (!principal) throw new Error('@CurrentPrincipal() is used on a route without AuthGuard');
    return principal;
  },
);
