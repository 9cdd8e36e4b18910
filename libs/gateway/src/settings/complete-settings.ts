import { isIP } from 'node:net';
import type { TlsOptions } from '@app/proxy';
import { isOwnAddress } from './own-address.js';
import type { ReadSettings } from './settings.js';

/** Environments in which services have host names of their own. */
const COMPOSE_ENVIRONMENTS = new Set(['production', 'staging', 'local']);

/** Pages in development; in production anything may run on a user's machine. */
const LOCAL_ORIGINS = ['localhost', '127.0.0.1'].flatMap((host) => [
  `http://${host}:3000`,
  `http://${host}:8080`,
]);

/** The settings of a gateway, complete and frozen: as they were read, with what follows from several of them. */
export type Settings = ReturnType<typeof completeSettings>;

export type WebSocketSettings = Settings['websocket'];

export const SETTINGS = Symbol('SETTINGS');

/** Adds what follows from several settings. */
export function completeSettings(read: ReadSettings) {
  const { environment, port, server, redis, cors, proxy } = read;
  const inCompose = COMPOSE_ENVIRONMENTS.has(environment);
  const network: 'compose' | 'local' = inCompose ? 'compose' : 'local';
  const { ejectionMs, longestEjectionMs } = proxy.health;
  return {
    ...read,
    // Outside a container nobody but this machine has business with the gateway, unless HOST says so.
    host: read.host ?? (inCompose ? '0.0.0.0' : '127.0.0.1'),
    cors: {
      ...cors,
      allowedOrigins: [...cors.allowedOrigins, ...(environment === 'production' ? [] : LOCAL_ORIGINS)],
    },
    redis: {
      ...redis,
      url: redis.url ?? `redis://${toAuthority(redis.host ?? (inCompose ? 'redis' : '127.0.0.1'))}`,
    },
    proxy: {
      ...proxy,
      network,
      isOwnAddress: (address: URL): boolean => isOwnAddress(address, port),
      connections: { ...proxy.connections, headerLimitBytes: server.headerLimitBytes },
      health: { ...proxy.health, longestEjectionMs: Math.max(longestEjectionMs, ejectionMs) },
      tls: toTlsOptions(proxy.tls),
    },
  };
}

/** An IPv6 address stands in brackets in a URL (RFC 3986, section 3.2.2), and may come without. */
function toAuthority(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}

/** By upstream name. */
export function toTlsOptions({
  caFiles,
  certFiles,
  keyFiles,
  serverNames,
}: ReadSettings['proxy']['tls']): ReadonlyMap<string, TlsOptions> {
  const options = new Map<string, TlsOptions>();
  const add = (option: keyof TlsOptions, texts: ReadonlyMap<string, string>): void => {
    for (const [upstream, text] of texts) options.set(upstream, { ...options.get(upstream), [option]: text });
  };
  add('caFile', caFiles);
  add('certFile', certFiles);
  add('keyFile', keyFiles);
  add('serverName', serverNames);
  return options;
}
