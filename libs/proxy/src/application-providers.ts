import type { Type } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';
import { UnknownElementException } from '@nestjs/core/errors/exceptions/unknown-element.exception.js';
import { UpstreamConfigurationError } from './upstream-configuration.error.js';

/**
 * The provider of a class that options name, of any module.
 *
 * @param where the options, in the words of an error message
 * @throws UpstreamConfigurationError if no module provides the class
 */
export function providerOf<Part>(moduleRef: ModuleRef, type: Type<Part>, where: string): Part {
  try {
    return moduleRef.get(type, { strict: false });
  } catch (error) {
    if (!(error instanceof UnknownElementException)) throw error;
    throw new UpstreamConfigurationError(
      `${where} ${type.name} is no provider; add it to the providers of a module`,
    );
  }
}
