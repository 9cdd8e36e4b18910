import type { Model } from './explore.mjs';

/** Changed rules of a model, and the invariant that does not hold under them. */
export interface Change {
  readonly change: string;
  readonly rules: object;
  readonly invariant: string;
}

export const MODELS: readonly {
  readonly create: (rules?: object) => Model;
  readonly mutants: readonly Change[];
  readonly deviations: readonly Change[];
}[];
