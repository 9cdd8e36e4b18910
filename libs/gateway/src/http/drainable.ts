import { applyDecorators, Injectable } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';

/**
 * A component that must end its open work at shutdown. The drain calls it, and waits for it until the deadline. The drain
 * itself ends HTTP connections.
 */
export interface DrainTarget {
  /** Refuses new work from now on. Called when the server has stopped to accept connections; open ones may still send. */
  refuseNew(): void;

  /**
   * Ends the open work. Called right after `refuseNew`. At the deadline the drain goes on without it, and destroys all client
   * connections; a rejection is logged.
   * @param deadline time by which all work must have ended, in milliseconds of `performance.now()`
   */
  drain(deadline: number): Promise<void>;

  /** The numbers of open items, by name of log field; read for each log line of the drain. */
  countOpen(): Readonly<Record<string, number>>;
}

export const DrainableMetadata = DiscoveryService.createDecorator<void>();

/** Makes a provider class that implements `DrainTarget` part of the drain. The class may be in any module. */
export function Drainable(): ClassDecorator {
  return applyDecorators(Injectable(), DrainableMetadata());
}
