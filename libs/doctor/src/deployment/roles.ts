import type { RouteOptions } from '@app/proxy';
import { isNginxImage } from './images.js';
import type { Nginx } from './nginx.js';
import { samplePath } from './application.js';
import type { ComposeService } from './service.js';
import type { Stack } from './stack.js';

/** Services that may be nginx, by their image or their mounts. */
export function nginxServices(stack: Stack): readonly ComposeService[] {
  return stack.running.filter(
    (service) =>
      isNginxImage(service.baseImage) ||
      service.mounts.some(({ target }) => /^\/etc\/nginx(\/|$)/.test(target)),
  );
}

/** The nginx that passes routes to a service. A web server for pages passes none. */
export function nginxInFront(
  candidates: readonly Nginx[],
  stack: Stack,
  routes: readonly RouteOptions[],
): Nginx | undefined {
  return (
    candidates.find((nginx) => routeServices(nginx, stack, routes).length > 0) ??
    candidates.find((nginx) => nginx.proxyBlocks.length > 0) ??
    candidates[0]
  );
}

/**
 * The services that are gateways: those that nginx passes routes to. Without nginx, or if nginx passes them to no service,
 * those that have the address of a service while no other service has theirs.
 */
export function gatewayServices(
  nginx: Nginx | undefined,
  stack: Stack,
  routes: readonly RouteOptions[],
): readonly ComposeService[] {
  const behind = nginx ? routeServices(nginx, stack, routes) : [];
  const callers = stack.running.filter((service) => addressesIn(service).length > 0);
  const called = new Set(
    callers.flatMap((caller) => addressesIn(caller).flatMap((host) => stack.serviceAt(host) ?? [])),
  );
  const candidates = behind.length > 0 ? behind : callers;
  const uncalled = candidates.filter((service) => !called.has(service));
  // Without any, the services call each other in a circle.
  const gateways = uncalled.length > 0 ? uncalled : behind;
  return stack.running.filter((service) => gateways.some((gateway) => isTwin(service, gateway)));
}

/** Whether a service is the gateway, or runs the same program of the same image. */
function isTwin(service: ComposeService, gateway: ComposeService): boolean {
  if (service === gateway) return true;
  const programOf = ({ image, firstProcess }: ComposeService): string =>
    JSON.stringify([image?.value, firstProcess?.value]);
  return gateway.image !== undefined && programOf(service) === programOf(gateway);
}

function routeServices(nginx: Nginx, stack: Stack, routes: readonly RouteOptions[]): ComposeService[] {
  const blocks = nginx.servers.flatMap((server) =>
    routes.flatMap((route) => nginx.proxyBlocksFor(server, samplePath(route))),
  );
  const hosts = new Set(
    blocks.flatMap((block) =>
      nginx.groupsFor(block).flatMap(({ targets }) => targets.map(({ host }) => host)),
    ),
  );
  const services = [...hosts].flatMap((host) => stack.serviceAt(host) ?? []);
  return [...new Set(services)].filter((service) => stack.running.includes(service));
}

/** The hosts of a service's `*_SERVICE_URL` variables. */
function addressesIn({ environment }: ComposeService): string[] {
  return [...environment]
    .filter(([name]) => name.endsWith('_SERVICE_URL'))
    .flatMap(([, { value }]) => value.split(','))
    .flatMap((address) => (URL.canParse(address.trim()) ? [new URL(address.trim()).hostname] : []));
}
