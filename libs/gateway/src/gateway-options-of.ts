import type { RootModule } from './create-gateway.js';
import { GATEWAY_OPTIONS, type GatewayOptions } from './gateway.options.js';
import { moduleEntriesOf } from './module-entries.js';

/**
 * The options that an application gives to `GatewayModule.forRoot`, read from its decorators without starting it.
 *
 * @returns an empty object if it uses `forRootAsync`, or has no gateway
 */
export function gatewayOptionsOf(root: RootModule): GatewayOptions {
  for (const { providers } of moduleEntriesOf(root)) {
    for (const provider of providers as { provide?: unknown; useValue?: GatewayOptions }[]) {
      if (provider.provide === GATEWAY_OPTIONS && provider.useValue) return provider.useValue;
    }
  }
  return {};
}
