import { applyDecorators, Injectable } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import type { HealthIndicatorResult } from '@nestjs/terminus';

/** Something that `/health/ready` asks: `down` makes the gateway unready, `degraded` only shows. */
export interface ReadinessIndicator {
  check(): PromiseLike<HealthIndicatorResult> | HealthIndicatorResult;
}

export const ReadinessCheckMetadata = DiscoveryService.createDecorator<void>();

/** Makes a provider class with a `check()` part of `/health/ready`, in whichever module it stands. */
export function ReadinessCheck(): ClassDecorator {
  return applyDecorators(Injectable(), ReadinessCheckMetadata());
}
