import { isIP } from 'node:net';
import { faultsOfTlsFiles, type TlsOptions } from '@app/proxy';
import type { ConfigurationFault } from './configuration.error.js';
import { tlsVariableFor, upstreamNameFor, type TlsSetting } from './upstream-variables.js';
import type { Variables } from './variables.js';

const TLS_VARIABLE = /^([A-Z][A-Z0-9_]*_SERVICE)_TLS_(CA_FILE|CERT_FILE|KEY_FILE|SERVER_NAME)$/;

const OPTION = {
  CA_FILE: 'caFile',
  CERT_FILE: 'certFile',
  KEY_FILE: 'keyFile',
  SERVER_NAME: 'serverName',
} as const satisfies Record<TlsSetting, keyof TlsOptions>;

const SETTING = { caFile: 'CA_FILE', certFile: 'CERT_FILE', keyFile: 'KEY_FILE' } as const;

const DNS_NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)*$/i;

export interface ReadTls {
  /** By upstream name. */
  readonly tls: ReadonlyMap<string, TlsOptions>;
  readonly faults: readonly ConfigurationFault[];
}

/** Reads the variables of TLS towards services. @param checksFiles whether the files that they name must be usable */
export function readTls(variables: Variables, checksFiles: boolean): ReadTls {
  const tls = new Map<string, Record<string, string>>();
  for (const [name, value] of Object.entries(variables)) {
    const [, prefix, setting] = TLS_VARIABLE.exec(name) ?? [];
    const text = value?.trim();
    if (prefix === undefined || !text) continue;
    const upstream = upstreamNameFor(prefix);
    tls.set(upstream, { ...tls.get(upstream), [OPTION[setting as TlsSetting]]: text });
  }
  const faults = [...tls].flatMap(([upstream, options]) => {
    const own = [...nameFaults(upstream, options), ...pairFaults(upstream, options)];
    return checksFiles ? [...own, ...fileFaults(upstream, options)] : own;
  });
  return { tls, faults };
}

function nameFaults(upstream: string, { serverName }: TlsOptions): ConfigurationFault[] {
  if (serverName === undefined || (DNS_NAME.test(serverName) && isIP(serverName) === 0)) return [];
  const variable = tlsVariableFor(upstream, 'SERVER_NAME');
  const expected = 'a DNS name, as the certificate of the service has it';
  return [
    { variables: [variable], message: `${variable} is "${serverName}"; it takes ${expected}`, expected },
  ];
}

function pairFaults(upstream: string, { certFile, keyFile }: TlsOptions): ConfigurationFault[] {
  if ((certFile === undefined) === (keyFile === undefined)) return [];
  const names = (['CERT_FILE', 'KEY_FILE'] as const).map((setting) => tlsVariableFor(upstream, setting));
  const [set, missing] = certFile === undefined ? names.toReversed() : names;
  return [
    {
      variables: [set!],
      message: `${set} is set without ${missing}; a client certificate takes both`,
      expected: `${missing} too`,
    },
  ];
}

function fileFaults(upstream: string, options: TlsOptions): ConfigurationFault[] {
  return faultsOfTlsFiles(options).map(({ option, problem }) => {
    const variable = tlsVariableFor(upstream, SETTING[option]);
    return {
      variables: [variable],
      message: `${variable} names a file that ${problem}`,
      expected: 'a file in PEM that can be read',
    };
  });
}
