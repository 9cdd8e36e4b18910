import { settingNameOf } from '@app/proxy/internal';

/** The variable that names an upstream's instances: `BILLING_SERVICE_URL` for `billing` and `billing-service`. */
export function addressVariableFor(upstream: string): string {
  return `${prefixFor(upstream)}_URL`;
}

/** The end of the name of a variable for TLS towards an upstream. */
export type TlsSetting = 'CA_FILE' | 'CERT_FILE' | 'KEY_FILE' | 'SERVER_NAME';

/** The variable of a TLS setting of an upstream: `BILLING_SERVICE_TLS_CA_FILE` for `billing`. */
export function tlsVariableFor(upstream: string, setting: TlsSetting): string {
  return `${prefixFor(upstream)}_TLS_${setting}`;
}

/** The name that settings have for an upstream, by the first part of a variable's name: `big-data` for `BIG_DATA`. */
export function settingNameFor(prefix: string): string {
  return prefix.toLowerCase().replaceAll('_', '-');
}

function prefixFor(upstream: string): string {
  return `${settingNameOf(upstream).toUpperCase().replaceAll('-', '_')}_SERVICE`;
}
