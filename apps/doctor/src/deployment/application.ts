import { gatewayOptionsOf, type GatewayOptions, type RootModule } from '@app/gateway/internal';
import { UpstreamMetadata, type RouteOptions, type UpstreamOptions } from '@app/proxy/internal';

interface ModuleLike {
  readonly module?: unknown;
  readonly imports?: readonly unknown[];
  readonly providers?: readonly unknown[];
}

/** What the decorators of an application say about its gateway. */
export interface Application {
  readonly upstreams: readonly UpstreamOptions[];
  readonly settings: GatewayOptions;
}

/** Reads the decorators of an application without starting it. @param root its root module */
export function readApplication(root: RootModule): Application {
  return { upstreams: upstreamsOf(root), settings: gatewayOptionsOf(root) };
}

/**
 * The options of the `@Upstream()` classes of a Nest module and of all modules that it imports. Reads their decorators
 * without starting the application.
 */
export function upstreamsOf(root: unknown): UpstreamOptions[] {
  const seen = new Set<unknown>();
  const found = new Set<UpstreamOptions>();
  const visit = (entry: unknown): void => {
    if (seen.has(entry) || entry === null || entry === undefined) return;
    seen.add(entry);
    if (typeof entry === 'function') {
      for (const key of ['imports', 'providers']) listOf(Reflect.getMetadata(key, entry)).forEach(visit);
      const upstream = Reflect.getMetadata(UpstreamMetadata.KEY, entry) as UpstreamOptions | undefined;
      if (upstream) found.add(upstream);
    } else if (typeof entry === 'object') {
      const { module, imports, providers } = entry as ModuleLike;
      [module, ...listOf(imports), ...listOf(providers)].forEach(visit);
    }
  };
  visit(root);
  return [...found];
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** A path that matches the route. */
export function samplePath({ path }: RouteOptions): string {
  return path.replaceAll(/:[^/]+/g, 'x');
}
