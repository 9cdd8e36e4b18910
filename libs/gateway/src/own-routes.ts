import type { ControllerRouteOptions } from '@app/proxy';

const MONITORING = { methods: ['GET'], auth: 'none', isMonitoring: true } as const;

/** The routes of the gateway's own controllers. */
export const OWN_ROUTES: readonly ControllerRouteOptions[] = [
  { ...MONITORING, path: '/health', summary: 'Whether the process responds' },
  { ...MONITORING, path: '/health/live', summary: 'Liveness: 200 until the process ends' },
  { ...MONITORING, path: '/health/ready', summary: 'Readiness: 503 while the gateway drains' },
  { ...MONITORING, path: '/metrics', summary: 'Metrics in the text format of Prometheus' },
  { methods: ['GET'], auth: 'none', path: '/swagger', summary: 'This document' },
];
