import { ACCESS_MUTANTS } from './access.mjs';
import { FORWARD_MUTANTS } from './forwards.mjs';
import { RELAY_MUTANTS } from './relays.mjs';
import { SERVER_MUTANTS } from './server.mjs';
import { UPSTREAM_MUTANTS } from './upstreams.mjs';

/**
 * Faults that the simulator must find: each changes one place of a source, breaks a guarantee, and is looked for in the
 * scenario that is most likely to show it.
 */
export const MUTANTS = {
  ...FORWARD_MUTANTS,
  ...UPSTREAM_MUTANTS,
  ...SERVER_MUTANTS,
  ...RELAY_MUTANTS,
  ...ACCESS_MUTANTS,
};
