import { GATEWAY_OPTIONS, type GatewayOptions } from './gateway.options.js';
import type { RootModule } from './create-gateway.js';

interface ModuleLike {
  readonly imports?: readonly unknown[];
  readonly providers?: readonly unknown[];
}

/**
 * The options that an application gives to `GatewayModule.forRoot`, read from its decorators without starting it.
 *
 * @returns an empty object if it uses `forRootAsync`, or has no gateway
 */
export function gatewayOptionsOf(root: RootModule): GatewayOptions {
  const seen = new Set<unknown>();
  const find = (entry: unknown): GatewayOptions | undefined => {
    if (!entry || seen.has(entry)) return undefined;
    seen.add(entry);
    const { imports, providers } = partsOf(entry);
    const provider = providers.find((each) => (each as { provide?: unknown }).provide === GATEWAY_OPTIONS);
    if (provider) return (provider as { useValue?: GatewayOptions }).useValue;
    for (const imported of imports) {
      const found = find(imported);
      if (found) return found;
    }
    return undefined;
  };
  return find(root) ?? {};
}

function partsOf(entry: unknown): Required<ModuleLike> {
  if (typeof entry === 'function') {
    const imports = (Reflect.getMetadata('imports', entry) ?? []) as readonly unknown[];
    return { imports, providers: [] };
  }
  const { module, imports = [], providers = [] } = entry as ModuleLike & { readonly module?: unknown };
  return { imports: [module, ...imports], providers };
}
