import type { Type } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';
import { InvalidClassScopeException } from '@nestjs/core/errors/exceptions/invalid-class-scope.exception.js';
import { UnknownElementException } from '@nestjs/core/errors/exceptions/unknown-element.exception.js';
import { UpstreamConfigurationError } from './upstream-configuration.error.js';

/**
 * The provider of a class that options name, of any module.
 *
 * @param where the options, in the words of an error message
 * @throws UpstreamConfigurationError if no module provides the class, or it has another scope than the default one
 */
export function providerOf<Part>(moduleRef: ModuleRef, type: Type<Part>, where: string): Part {
  try {
    return moduleRef.get(type, { strict: false });
  } catch (error) {
    const fault = faultOf(error);
    if (fault === undefined) throw error;
    throw new UpstreamConfigurationError(`${where} ${type.name} ${fault}`);
  }
}

function faultOf(error: unknown): string | undefined {
  if (error instanceof UnknownElementException) {
    return 'is no provider; add it to the providers of a module';
  }
  return error instanceof InvalidClassScopeException ? 'has another scope than the default one' : undefined;
}
