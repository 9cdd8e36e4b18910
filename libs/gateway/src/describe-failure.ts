import { inspect } from 'node:util';

/** Most causes that are printed; a chain may be a circle. */
const MOST_CAUSES = 8;

/** The reason of a failed boot with its causes, for standard error. @param reason what was thrown, of any type */
export function describeFailure(reason: unknown): string {
  const texts: string[] = [];
  let each = reason;
  do {
    texts.push(describe(each));
    each = each instanceof Error ? each.cause : undefined;
  } while (each !== undefined && texts.length <= MOST_CAUSES);
  return texts.join('\nCaused by: ');
}

function describe(reason: unknown): string {
  if (reason === undefined) return 'The gateway cannot start: an error without a reason';
  if (reason instanceof Error) return reason.stack || `${reason.name}: ${reason.message}`;
  return typeof reason === 'string' ? reason : inspect(reason);
}
