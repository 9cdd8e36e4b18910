import { pathOf, type Exchange } from '@app/proxy';

/** What the gateway answers about itself. */
export const MONITORING_PATHS: ReadonlySet<string> = new Set([
  '/health',
  '/health/live',
  '/health/ready',
  '/metrics',
]);

/** Whether a request asks for health or metrics: no limit counts it, and overload does not refuse it. */
export function isMonitoringRequest({ route, request }: Exchange): boolean {
  return !route && MONITORING_PATHS.has(pathOf(request.url!));
}
