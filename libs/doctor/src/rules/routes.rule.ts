import type { Carried, Deployment, RouteRow } from '../deployment/deployment.js';
import type { Nginx } from '../deployment/nginx.js';
import { sayDirective, type NginxBlock } from '../deployment/nginx-block.js';
import { samplePath } from '../deployment/application.js';
import type { Fault, Rule } from './rule.js';

/** Every route has a location of nginx that passes it to a gateway, by an address in the files. */
export const routesRule: Rule = {
  name: 'routes',

  *check(deployment: Deployment): Iterable<Fault> {
    if (!deployment.nginx) return;
    yield* unresolved(deployment.nginx);
    const [gateway] = deployment.gatewayServices;
    if (!gateway) return;
    if (deployment.gatewayLocations.length > 0) {
      yield* notCarried(deployment, deployment.nginx);
      return;
    }
    const { root, servers } = deployment.nginx;
    const block = servers[0] ?? root.children[0] ?? root;
    yield {
      places: [
        { value: block, text: block.text, at: block.directive.at },
        { value: gateway, text: `service ${gateway.name}`, at: gateway.at },
      ],
      expected: `a location whose proxy_pass leads to ${gateway.name}`,
      impact: 'No request through nginx reaches a gateway.',
    };
  },
};

function* unresolved(nginx: Nginx): Iterable<Fault> {
  for (const block of nginx.unresolved) {
    const directive = block.own('proxy_pass')[0]!;
    yield {
      places: [
        { value: directive, text: sayDirective(directive), at: directive.at },
        { value: block, text: block.text, at: block.directive.at },
      ],
      expected: 'an address, or a variable of map, split_clients or set whose values are all addresses',
      impact: 'The address depends on the request, so no rule can examine it.',
    };
  }
}

/** One finding for all lost routes of one location. */
function* notCarried({ carried, routes }: Deployment, nginx: Nginx): Iterable<Fault> {
  const found = new Set(carried.map(({ route }: Carried) => route));
  const server = carried[0]?.server ?? nginx.servers[0]!;
  const lost = routes.filter(({ route }) => !found.has(route));
  const byBlock = Map.groupBy(lost, ({ route }) => nginx.locationFor(server, samplePath(route)));
  for (const [block, rows] of byBlock) yield lostAt(block, rows);
}

function lostAt(block: NginxBlock, [first, ...others]: readonly RouteRow[]): Fault {
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  return {
    places: [{ value: block, text: block.text, at: block.directive.at }, first!.source],
    expected: `a location that passes ${first!.route.path}${more} to a gateway`,
    impact: 'No request through nginx reaches the route.',
  };
}
