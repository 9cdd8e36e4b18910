/** The variable that names an upstream's addresses: `AUTH_SERVICE_URL` for `auth-service`. */
export function addressVariableFor(upstream: string): string {
  return `${prefixFor(upstream)}_URL`;
}

/** The end of the name of a variable for TLS towards an upstream. */
export type TlsSetting = 'CA_FILE' | 'CERT_FILE' | 'KEY_FILE' | 'SERVER_NAME';

/** The variable of a TLS setting of an upstream: `AUTH_SERVICE_TLS_CA_FILE` for `auth-service`. */
export function tlsVariableFor(upstream: string, setting: TlsSetting): string {
  return `${prefixFor(upstream)}_TLS_${setting}`;
}

/** The upstream's name for the first part of a variable's name: `auth-service` for `AUTH_SERVICE`. */
export function upstreamNameFor(prefix: string): string {
  return prefix.toLowerCase().replaceAll('_', '-');
}

function prefixFor(upstream: string): string {
  return upstream.toUpperCase().replaceAll('-', '_');
}
