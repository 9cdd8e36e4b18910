import type { IncomingHttpHeaders } from 'node:http';
import { hostFor } from '../headers/header-options.js';
import { announcedTrailers, createUpstreamHeaders, withField } from '../headers/request-headers.js';
import type { Exchange } from '../http/exchange.js';
import { formatRequestHead } from '../transport/request-head.js';
import type { UpstreamRequest } from '../transport/upstream-call.js';
import { announcedLengthOf } from './announced-body.js';
import type { ForwardOptions } from './forward-options.js';

/** The headers of an attempt. @param host see `AttemptHead` @param lastEventId of a resumed stream. Default: the client's */
export function createAttemptFields(
  exchange: Exchange,
  options: ForwardOptions,
  host: string,
  lastEventId?: string,
): string[] {
  let fields = createUpstreamHeaders(exchange, options);
  if (options.host !== undefined) fields = withField(fields, 'Host', hostFor(options.host, host));
  if (lastEventId !== undefined) fields = withField(fields, 'Last-Event-ID', lastEventId);
  return fields;
}

/** The parts of an attempt's head that do not come from the client's headers. */
interface AttemptHead {
  /** Path and query for the service. */
  readonly target: string;
  /** The host of the instance: `Host` of a request without one. */
  readonly host: string;
  readonly body: UpstreamRequest['body'];
  /** Whether the connection closes behind the response. */
  readonly closesConnection: boolean;
}

/** Formats the head of an attempt. @param fields name, value, name, value */
export function formatAttemptHead(
  exchange: Exchange,
  { passesExpect }: Pick<ForwardOptions, 'passesExpect'>,
  fields: readonly string[],
  { target, host, body, closesConnection }: AttemptHead,
): string {
  const { method, headers } = exchange.request;
  return formatRequestHead(method!, target, fields, {
    host,
    length: Buffer.isBuffer(body) ? body.length : body ? announcedLengthOf(exchange.request) : 0,
    closesConnection,
    expectsContinue: passesExpect && exchange.waitsForContinue,
    takesTrailers: headers['te'] !== undefined && takesTrailers(headers),
    ...(headers.trailer !== undefined && {
      trailerNames: announcedTrailers(headers.trailer, exchange.requestChanges),
    }),
  });
}

/** Whether the client takes trailers: `TE` names them, and `Connection` names `TE` (RFC 9110, section 10.1.4). */
function takesTrailers({ te, connection = '' }: IncomingHttpHeaders): boolean {
  return (
    /(?:^|[ ,\t])trailers(?:$|[ ,;\t])/i.test(String(te)) && /(?:^|[ ,\t])te(?:$|[ ,\t])/i.test(connection)
  );
}
