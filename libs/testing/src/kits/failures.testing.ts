import type { KitCase } from './kit-case.js';

/** The names of the cases that a part does not pass. */
export async function failures<Part>(kit: readonly KitCase<Part>[], create: () => object): Promise<string[]> {
  const failed: string[] = [];
  for (const { name, run } of kit) {
    await run(() => create() as Part).catch(() => failed.push(name));
  }
  return failed;
}
