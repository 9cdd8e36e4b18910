/** The variable that names an upstream's addresses: `AUTH_SERVICE_URL` for `auth-service`. */
export function addressVariableFor(upstream: string): string {
  return `${prefixFor(upstream)}_URL`;
}

/** A setting of TLS towards an upstream, by the end of its variable's name. */
export type TlsSetting = 'CA_FILE' | 'CERT_FILE' | 'KEY_FILE' | 'SERVER_NAME';

/** `AUTH_SERVICE_TLS_CA_FILE` for `auth-service`. */
export function tlsVariableFor(upstream: string, setting: TlsSetting): string {
  return `${prefixFor(upstream)}_TLS_${setting}`;
}

/** The upstream that a variable is about. @param prefix the part of the variable's name that stands for it */
export function upstreamNameFor(prefix: string): string {
  return prefix.toLowerCase().replaceAll('_', '-');
}

function prefixFor(upstream: string): string {
  return upstream.toUpperCase().replaceAll('-', '_');
}
