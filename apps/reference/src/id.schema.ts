import { z } from 'zod';

/** A UUID of any version, in the one spelling under which it is stored. */
export const Id = z.guid().toLowerCase();
