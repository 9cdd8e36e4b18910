import { z } from 'zod';

/** A UUID of any version, in lower case, as it is stored. */
export const Id = z.guid().toLowerCase();
