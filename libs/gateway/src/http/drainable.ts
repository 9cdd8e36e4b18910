import { applyDecorators, Injectable } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';

/** What the drain ends before the process does, beside HTTP connections. */
export interface DrainTarget {
  /** Takes up nothing new from now on. Called when the listener has closed. */
  refuseNew(): void;

  /**
   * Ends what is open. Called right after `refuseNew`. At the deadline every client connection that is left is destroyed.
   * @param deadline `performance.now()` by which all must have ended
   */
  drain(deadline: number): Promise<void>;

  /** How much is open, by the name of a log field. */
  countOpen(): Readonly<Record<string, number>>;
}

export const DrainableMetadata = DiscoveryService.createDecorator<void>();

/** Makes a provider class that is a `DrainTarget` part of the drain, in whichever module it stands. */
export function Drainable(): ClassDecorator {
  return applyDecorators(Injectable(), DrainableMetadata());
}
