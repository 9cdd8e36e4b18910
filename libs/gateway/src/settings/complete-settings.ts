import { createHmac } from 'node:crypto';
import { isIP } from 'node:net';
import type { TlsOptions } from '@app/proxy';
import { isOwnAddress } from './own-address.js';
import type { ReadSettings } from './settings.js';

/** The host of Redis, unless a setting names another. */
const REDIS_HOST = '127.0.0.1';

/** All settings of a gateway, frozen: those that were read, and those that follow from several of them. */
export type Settings = ReturnType<typeof completeSettings>;

export type WebSocketSettings = Settings['websocket'];

export const SETTINGS = Symbol('SETTINGS');

/** Adds the values that follow from several settings. */
export function completeSettings(read: ReadSettings) {
  const { port, server, redis, cors, proxy } = read;
  const { ejectionMs, longestEjectionMs } = proxy.health;
  return {
    ...read,
    cors: {
      ...cors,
      allowedOrigins: [...cors.allowedOrigins, ...cors.additionalOrigins],
    },
    redis: {
      ...redis,
      url: redis.url ?? `redis://${toAuthority(redis.host ?? REDIS_HOST)}`,
    },
    proxy: {
      ...proxy,
      isOwnAddress: (address: URL): boolean => isOwnAddress(address, port),
      connections: { ...proxy.connections, headerLimitBytes: server.headerLimitBytes },
      health: { ...proxy.health, longestEjectionMs: Math.max(longestEjectionMs, ejectionMs) },
      tls: toTlsOptions(proxy.tls),
      // Of the only secret that all gateways have. No token has this text without a dot.
      affinitySecret: createHmac('sha256', read.auth.secret).update('affinity').digest('hex'),
    },
  };
}

/** Puts an IPv6 address into brackets, which a URL demands (RFC 3986, section 3.2.2). */
function toAuthority(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}

/** The TLS options of each upstream, by `settingNameOf` it. */
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
