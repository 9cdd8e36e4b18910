import { applyDecorators, Injectable } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import type { HealthIndicatorResult } from '@nestjs/terminus';

/** A check of `/health/ready`. `down` makes the gateway unready; with `degraded` it stays ready. */
export interface ReadinessIndicator {
  check(): PromiseLike<HealthIndicatorResult> | HealthIndicatorResult;
}

export const ReadinessCheckMetadata = DiscoveryService.createDecorator<void>();

/** Adds a provider class with a `check()`, of any module, to `/health/ready`. */
export function ReadinessCheck(): ClassDecorator {
  return applyDecorators(Injectable(), ReadinessCheckMetadata());
}
