import type { Exchange } from '@app/proxy';

/**
 * The origin of the request's own scheme and host, whose pages the gateway or a service behind it has served; undefined if
 * it names no host. A trusted proxy says what they were (`X-Forwarded-Proto`, `X-Forwarded-Host`), some `wss` of handshakes.
 */
export function ownOriginOf({ request, isPeerTrusted }: Exchange): string | undefined {
  const { headers, socket } = request;
  const proto = (isPeerTrusted && fieldOf(headers, 'x-forwarded-proto')) || ownProtocol(socket);
  const host = (isPeerTrusted && fieldOf(headers, 'x-forwarded-host')) || headers.host;
  if (!host) return undefined;
  const scheme = proto.toLowerCase().replace(/^ws/, 'http');
  return `${scheme}://${withoutDefaultPort(scheme, host.toLowerCase())}`;
}

/** Node joins what comes twice with a comma, which no origin has. */
function fieldOf(headers: Exchange['request']['headers'], name: string): string | undefined {
  return headers[name] as string | undefined;
}

function ownProtocol(socket: Exchange['request']['socket']): string {
  return 'encrypted' in socket ? 'https' : 'http';
}

/** No browser writes one. */
function withoutDefaultPort(scheme: string, host: string): string {
  const port = scheme === 'https' ? ':443' : ':80';
  return host.endsWith(port) ? host.slice(0, -port.length) : host;
}
