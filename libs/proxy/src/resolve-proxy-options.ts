import { randomId } from './http/random.js';
import { resolveOptions } from './http/resolve-options.js';
import { ProxyConfigurationError } from './proxy-handler.js';
import { PROXY_DEFAULTS } from './proxy.defaults.js';
import type { ProxyOptions, ResolvedProxyOptions } from './proxy.options.js';

/** @throws ProxyConfigurationError with all faults */
export function resolveProxyOptions(given: ProxyOptions): ResolvedProxyOptions {
  const faults: string[] = [];
  // Other processes have another one, and do not know the cookies of this one.
  const defaults = { ...PROXY_DEFAULTS, affinitySecret: randomId() + randomId() };
  const options = resolveOptions<ResolvedProxyOptions>(defaults, given, (fault) => faults.push(fault));
  if (faults.length > 0) throw new ProxyConfigurationError(`ProxyModule: ${faults.join('; ')}`);
  return options;
}
