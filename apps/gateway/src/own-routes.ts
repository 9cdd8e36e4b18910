import type { ControllerRouteOptions } from '@app/proxy';

const MONITORING = { methods: ['GET'], auth: 'none', isMonitoring: true } as const;

/** What the gateway's own controllers answer. */
export const OWN_ROUTES: readonly ControllerRouteOptions[] = [
  { ...MONITORING, path: '/health', summary: 'Whether the process answers' },
  { ...MONITORING, path: '/health/live', summary: 'Whether the process should be left alone' },
  { ...MONITORING, path: '/health/ready', summary: 'Whether requests should be sent here' },
  { ...MONITORING, path: '/metrics', summary: 'Figures in the text format of Prometheus' },
  { methods: ['GET'], auth: 'none', path: '/swagger', summary: 'This document' },
];
