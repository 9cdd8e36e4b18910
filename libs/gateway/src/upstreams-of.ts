import { UpstreamMetadata, type UpstreamOptions } from '@app/proxy/internal';
import type { RootModule } from './create-gateway.js';
import { moduleEntriesOf } from './module-entries.js';

/** The options of each `@Upstream()` of applications, read from the decorators without starting them. */
export function upstreamsOf(...roots: readonly RootModule[]): UpstreamOptions[] {
  const classes = new Set<unknown>();
  for (const root of roots) {
    for (const { providers } of moduleEntriesOf(root)) {
      for (const provider of providers) {
        classes.add(
          typeof provider === 'function' ? provider : (provider as { useClass?: unknown }).useClass,
        );
      }
    }
  }
  return [...classes].flatMap((type) => optionsOf(type) ?? []);
}

function optionsOf(type: unknown): UpstreamOptions | undefined {
  if (typeof type !== 'function') return undefined;
  return Reflect.getMetadata(UpstreamMetadata.KEY, type) as UpstreamOptions | undefined;
}
