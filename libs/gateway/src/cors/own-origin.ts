import { ownProtocolOf, type Exchange } from '@app/proxy/internal';

/**
 * Origin of the scheme and host of a request: the origin of pages that the gateway or a service behind it serves; undefined
 * if the request names no host. A trusted proxy sets `X-Forwarded-Proto` (some proxies to `wss` for handshakes) and
 * `X-Forwarded-Host`.
 */
export function ownOriginOf({ request, isPeerTrusted }: Exchange): string | undefined {
  const { headers, socket } = request;
  const proto = (isPeerTrusted && fieldOf(headers, 'x-forwarded-proto')) || ownProtocolOf(socket);
  const host = (isPeerTrusted && fieldOf(headers, 'x-forwarded-host')) || headers.host;
  if (!host) return undefined;
  const scheme = proto.toLowerCase().replace(/^ws/, 'http');
  return `${scheme}://${withoutDefaultPort(scheme, host.toLowerCase())}`;
}

/** Value of a field. Node joins repeated ones with a comma, which no origin contains. */
function fieldOf(headers: Exchange['request']['headers'], name: string): string | undefined {
  return headers[name] as string | undefined;
}

/** Browsers leave the default port out of `Origin`. */
function withoutDefaultPort(scheme: string, host: string): string {
  const port = scheme === 'https' ? ':443' : ':80';
  return host.endsWith(port) ? host.slice(0, -port.length) : host;
}
