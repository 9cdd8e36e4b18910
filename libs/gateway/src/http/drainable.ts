import { applyDecorators, Injectable } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';

/** A component whose open work the drain ends before the process exits. The drain itself ends HTTP connections. */
export interface DrainTarget {
  /** Refuses new work from now on. Called when the listener has closed. */
  refuseNew(): void;

  /**
   * Ends the open work. Called right after `refuseNew`. At the deadline the drain destroys all client connections.
   * @param deadline time by which all work must have ended, in milliseconds of `performance.now()`
   */
  drain(deadline: number): Promise<void>;

  /** The numbers of open items, by name of log field. */
  countOpen(): Readonly<Record<string, number>>;
}

export const DrainableMetadata = DiscoveryService.createDecorator<void>();

/** Makes a provider class that implements `DrainTarget` part of the drain. The class may be in any module. */
export function Drainable(): ClassDecorator {
  return applyDecorators(Injectable(), DrainableMetadata());
}
