import * as drain from './drain-guarantees.mjs';
import { createDrain } from './drain.mjs';
import * as resume from './resume-guarantees.mjs';
import { createResume } from './resume.mjs';
import * as retryBudget from './retry-budget-guarantees.mjs';
import { createRetryBudget } from './retry-budget.mjs';

/** The models, with changed rules that each must refute (`mutants`) and what the code does not promise (`deviations`). */
export const MODELS = [
  { create: createDrain, mutants: drain.MUTANTS, deviations: [] },
  { create: createResume, mutants: resume.MUTANTS, deviations: resume.DEVIATIONS },
  { create: createRetryBudget, mutants: retryBudget.MUTANTS, deviations: [] },
];
