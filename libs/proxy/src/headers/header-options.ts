import { ConfigurationError } from '../routing/configuration.error.js';

/** A header option that cannot be used as it is; the boot stops with it. */
export class HeaderConfigurationError extends ConfigurationError {
  override readonly name = 'HeaderConfigurationError';
}

const HOST = /^(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

/**
 * The option `host` of an upstream: undefined for that of the client.
 * @throws HeaderConfigurationError if it is no host
 */
export function readHost(upstream: string, host = 'client'): string | undefined {
  if (!HOST.test(host) || !URL.canParse(`http://${host}`))
    throw new HeaderConfigurationError(
      `${upstream}, host: ${JSON.stringify(host)} is no host with a port or without`,
    );
  return host === 'client' ? undefined : host;
}

/** The `Host` of a request. @param host from `readHost`, not undefined @param ofInstance the instance's own */
export function hostFor(host: string, ofInstance: string): string {
  return host === 'instance' ? ofInstance : host;
}

/**
 * The `Origin` of a handshake.
 * @param origin the option of the route @param given the given host of the upstream, if it has one
 */
export function originFor(
  origin: string,
  given: string | undefined,
  instance: { readonly origin: string },
): string {
  if (origin !== 'upstream') return origin;
  if (given === undefined) return instance.origin;
  return new URL(`${new URL(instance.origin).protocol}//${given}`).origin;
}

/** Checks the option `origin` of a route. @throws HeaderConfigurationError */
export function checkOrigin(route: string, origin: string, isWebSocket: boolean): void {
  const fail = (fault: string): never => {
    throw new HeaderConfigurationError(`${route}, origin: ${fault}`);
  };
  if (!isWebSocket) fail('only the handshake of a WebSocket has it');
  if (origin === 'upstream') return;
  const isOrigin = URL.canParse(origin) && /^https?:/.test(origin) && new URL(origin).origin === origin;
  if (!isOrigin) fail(`${JSON.stringify(origin)} is neither 'upstream' nor scheme://host:port`);
}
