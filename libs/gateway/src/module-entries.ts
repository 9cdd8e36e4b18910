import type { RootModule } from './create-gateway.js';

/** The declaration of one module: a class, or a dynamic module. */
export interface ModuleEntry {
  readonly imports: readonly unknown[];
  /** Classes, and objects with `provide`. */
  readonly providers: readonly unknown[];
}

interface DynamicEntry extends Partial<ModuleEntry> {
  readonly module?: unknown;
  readonly forwardRef?: () => unknown;
}

/** Every module of an application, each once, read from the decorators without starting it. A promised module is left out. */
export function* moduleEntriesOf(root: RootModule): Generator<ModuleEntry> {
  const seen = new Set<unknown>();
  const left: unknown[] = [root];
  while (left.length > 0) {
    const module = left.shift();
    if (!module || seen.has(module)) continue;
    seen.add(module);
    const entry = entryOf(module);
    yield entry;
    left.unshift(...entry.imports);
  }
}

function entryOf(module: unknown): ModuleEntry {
  if (typeof module === 'function') {
    return { imports: metadataOf(module, 'imports'), providers: metadataOf(module, 'providers') };
  }
  const { module: type, imports = [], providers = [], forwardRef } = module as DynamicEntry;
  return { imports: [type, forwardRef?.(), ...imports], providers };
}

const metadataOf = (type: object, key: string): readonly unknown[] =>
  (Reflect.getMetadata(key, type) ?? []) as readonly unknown[];
