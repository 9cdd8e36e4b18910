import type { ErrorResponse } from '../http/error-response.js';
import { PartResultError } from '@app/proxy/internal';

/** Statuses whose responses have no body. */
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);

/** Fields that the gateway itself writes from the body. */
const OF_THE_BODY: ReadonlySet<string> = new Set(['content-type', 'content-length', 'transfer-encoding']);

/** The result of a team's error responder. @throws PartResultError if it is no response */
export function checkedResponse(result: unknown): ErrorResponse {
  if (typeof result !== 'object' || result === null) throw new PartResultError('not an ErrorResponse');
  const { status, body, headers, contentType } = result as Record<keyof ErrorResponse, unknown>;
  if (!isStatus(status)) throw new PartResultError(`invalid status: ${String(status)}`);
  if (typeof body !== 'string') throw new PartResultError('body is not a string');
  if (contentType !== undefined && typeof contentType !== 'string') {
    throw new PartResultError('contentType is not a string');
  }
  if (!isHeaderList(headers)) throw new PartResultError('headers are not names and values in turn');
  const written = headers.find((name, index) => index % 2 === 0 && OF_THE_BODY.has(name.toLowerCase()));
  if (written !== undefined) throw new PartResultError(`the gateway itself writes ${written}`);
  return result as ErrorResponse;
}

function isStatus(status: unknown): status is number {
  return (
    Number.isInteger(status) &&
    Number(status) >= 200 &&
    Number(status) <= 599 &&
    !BODILESS.has(Number(status))
  );
}

function isHeaderList(headers: unknown): headers is readonly string[] {
  return (
    Array.isArray(headers) && headers.length % 2 === 0 && headers.every((each) => typeof each === 'string')
  );
}
