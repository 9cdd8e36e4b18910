import { pathOf, type Exchange } from '@app/proxy';

const WATCHED: ReadonlySet<string> = new Set(['/health', '/health/live', '/health/ready', '/metrics']);

/** Whether somebody looks how the gateway is: never limited, and answered whatever the load. */
export function isMonitoringRequest({ route, request }: Exchange): boolean {
  return !route && WATCHED.has(pathOf(request.url!));
}
