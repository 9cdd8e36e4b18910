import type { IncomingHttpHeaders } from 'node:http';
import { hostFor } from '../headers/header-options.js';
import { announcedTrailers, forwardedHeadersOf, withField } from '../headers/request-headers.js';
import type { Exchange } from '../http/exchange.js';
import { formatRequestHead } from '../transport/request-head.js';
import type { UpstreamRequest } from '../transport/upstream-call.js';
import { announcedLengthOf } from './announced-body.js';
import type { ForwardOptions } from './forward-options.js';

/** The parts of an attempt's request that do not come from the client's headers. */
interface OutgoingRequest {
  /** Path and query for the service. */
  readonly target: string;
  /** The host of the instance: `Host` of a request without one. */
  readonly host: string;
  readonly body: UpstreamRequest['body'];
  /** Whether the connection closes behind the response. */
  readonly closesConnection: boolean;
  /** The `Last-Event-ID` of a resumed event stream. Default: the client's. */
  readonly lastEventId?: string;
}

/** Formats the head of an attempt, and calls the listeners of `proxyReq`. @throws ProxyListenerException */
export function formatHead(
  { exchange, options }: { readonly exchange: Exchange; readonly options: ForwardOptions },
  { target, host, body, closesConnection, lastEventId }: OutgoingRequest,
): string {
  const { method, headers } = exchange.request;
  let fields = forwardedHeadersOf(exchange, options);
  if (options.host !== undefined) fields = withField(fields, 'Host', hostFor(options.host, host));
  if (lastEventId !== undefined) fields = withField(fields, 'Last-Event-ID', lastEventId);
  options.listeners?.onRequest(exchange, target, fields);
  return formatRequestHead(method!, target, fields, {
    host,
    length: Buffer.isBuffer(body) ? body.length : body ? announcedLengthOf(exchange.request) : 0,
    closesConnection,
    expectsContinue: options.passesExpect && exchange.waitsForContinue,
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
