import { RevocationSource, type Revocation } from './revocation.source.js';

/** The source of an application without Redis: a revocation holds for the process that it was made in. */
export class NoRevocations extends RevocationSource {
  async *load(): AsyncIterable<readonly Revocation[]> {}

  /** No change is ever missed. */
  override proveWatch(): Promise<boolean> {
    return Promise.resolve(true);
  }
}
