import { pathOf, type Exchange } from '@app/proxy';

/** What the gateway answers about itself. */
export const MONITORING_PATHS: ReadonlySet<string> = new Set([
  '/health',
  '/health/live',
  '/health/ready',
  '/metrics',
]);

/** Whether somebody looks how the gateway is: never limited, and answered whatever the load. */
export function isMonitoringRequest({ route, request }: Exchange): boolean {
  return !route && MONITORING_PATHS.has(pathOf(request.url!));
}
