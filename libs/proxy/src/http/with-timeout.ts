/** Last part of a timeout, in milliseconds: see `withTimeout`. */
const LAST_PART_MS = 10;

/** A response did not come in time. The call may have had its effect all the same. */
export class LateResponseError extends Error {
  override readonly name = 'LateResponseError';
}

/**
 * Rejects with `LateResponseError` if the result takes too long. The time starts at the call. If the process was busy, the last
 * part of the time starts when the event loop runs again, and a response that has arrived is read before the timeout applies.
 * The timeout does not keep the process running.
 *
 * @param timeoutMs milliseconds @param who did not respond, for the message
 */
export function withTimeout<Result>(
  timeoutMs: number,
  result: PromiseLike<Result>,
  who: string,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(new LateResponseError(`${who} did not respond in time`));
    let timer = setTimeout(() => {
      timer = setTimeout(() => setImmediate(giveUp), LAST_PART_MS).unref();
    }, timeoutMs - LAST_PART_MS).unref();
    Promise.resolve(result)
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}
