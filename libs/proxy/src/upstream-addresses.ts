import { isInstanceAddress } from './balancing/instance-address.js';
import type { ResolvedProxyOptions } from './proxy.options.js';
import type { UpstreamOptions } from './upstream.js';
import { UpstreamConfigurationError } from './upstream-configuration.error.js';
import { settingNameOf } from './upstream-name.js';

type AddressOptions = Pick<ResolvedProxyOptions, 'addresses' | 'addressSettingFor' | 'isOwnAddress'>;

/** The addresses of an upstream, of the settings or else its own; empty if nothing names one. */
export function addressesOf(
  { name, instances = [] }: UpstreamOptions,
  { addresses }: AddressOptions,
): readonly string[] {
  return addresses.get(settingNameOf(name)) ?? instances;
}

/** @throws UpstreamConfigurationError if there is none, or one is invalid or the gateway's own */
export function readAddresses(declaration: UpstreamOptions, options: AddressOptions): URL[] {
  const { name } = declaration;
  const addresses = addressesOf(declaration, options);
  if (addresses.length === 0) {
    throw new UpstreamConfigurationError(
      `${name} has no instance: set ${options.addressSettingFor(name)}, or instances of its @Upstream()`,
    );
  }
  return addresses.map((address) => {
    if (!isInstanceAddress(address)) {
      throw new UpstreamConfigurationError(
        `${name} has an instance that is not scheme://host:port: ${address}`,
      );
    }
    const url = new URL(address);
    if (options.isOwnAddress(url)) {
      throw new UpstreamConfigurationError(`${name} points at the gateway itself: ${address}`);
    }
    return url;
  });
}
