import type { Abstract } from '@nestjs/common';
import type { DiscoveryService } from '@nestjs/core';
import { ConfigurationError } from '../routing/configuration.error.js';

/** A part of a team that cannot be used; the boot stops with it. */
export class PartConfigurationError extends ConfigurationError {
  override readonly name = 'PartConfigurationError';
}

/** Whether a module of the application provides its own part under a token, beside the built-in one. */
export function isReplaced(discovery: DiscoveryService, token: Abstract<unknown>): boolean {
  return discovery.getProviders().filter((wrapper) => wrapper.token === token).length > 1;
}

/**
 * The part in use under a token: that of a team if a module of the application provides one, else the built-in one. Call it in
 * `onModuleInit` or later, since providers of other modules are made before.
 *
 * @param token an abstract class
 * @param builtIn provided under the same token
 * @param methods that a part must have
 * @throws PartConfigurationError if two modules provide a part, or the part has another scope or lacks a method
 */
export function partInUse<Part extends object>(
  discovery: DiscoveryService,
  token: Abstract<Part>,
  builtIn: Part,
  methods: readonly (keyof Part & string)[],
): Part {
  const wrappers = discovery
    .getProviders()
    .filter((wrapper) => wrapper.token === token && wrapper.instance !== builtIn);
  const [wrapper] = wrappers;
  if (!wrapper) return builtIn;
  if (wrappers.length > 1) {
    const modules = wrappers.map(({ host }) => host?.name).join(' and ');
    throw new PartConfigurationError(`Two modules provide ${token.name}: ${modules}`);
  }
  const where = `${token.name} of ${wrapper.host?.name}`;
  if (wrapper.isTransient || !wrapper.isDependencyTreeStatic()) {
    throw new PartConfigurationError(`${where} has another scope than the default one`);
  }
  const part = wrapper.instance as Partial<Part> | null | undefined;
  for (const method of methods) {
    if (typeof part?.[method] !== 'function') {
      throw new PartConfigurationError(`${where} has no method ${method}`);
    }
  }
  return part as Part;
}
