import { faultsOfTlsFiles, type TlsOptions } from '@app/proxy/internal';
import type { ConfigurationFault } from './configuration.error.js';
import { tlsVariableFor } from './upstream-variables.js';

const SETTING = { caFile: 'CA_FILE', certFile: 'CERT_FILE', keyFile: 'KEY_FILE' } as const;

/** @param checksFiles whether the files that the options name must be usable */
export function tlsFaults(
  tls: ReadonlyMap<string, TlsOptions>,
  checksFiles: boolean,
): readonly ConfigurationFault[] {
  return [...tls].flatMap(([upstream, options]) => {
    const pairs = pairFaults(upstream, options);
    return checksFiles ? [...pairs, ...fileFaults(upstream, options)] : pairs;
  });
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
