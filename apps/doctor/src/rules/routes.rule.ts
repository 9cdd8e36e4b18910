import type { Carried, Chain, RouteRow } from '../chain/chain.js';
import type { Nginx } from '../chain/nginx.js';
import { sayDirective, type NginxBlock } from '../chain/nginx-block.js';
import { samplePath } from '../chain/route-tables.js';
import type { Fault, Rule } from './rule.js';

/** Every route has a location of nginx that passes it to a gateway, by an address that the files state: what other rules compare. */
export const routesRule: Rule = {
  name: 'routes',

  *check(chain: Chain): Iterable<Fault> {
    if (!chain.nginx) return;
    yield* unresolved(chain.nginx);
    const [gateway] = chain.gatewayServices;
    if (!gateway) return;
    if (chain.gatewayLocations.length > 0) {
      yield* notCarried(chain, chain.nginx);
      return;
    }
    const { root, servers } = chain.nginx;
    const block = servers[0] ?? root.children[0] ?? root;
    yield {
      places: [
        { value: block, says: block.says, at: block.directive.at },
        { value: gateway, says: `service ${gateway.name}`, at: gateway.at },
      ],
      wants: `a location whose proxy_pass leads to ${gateway.name}`,
      breaks: 'No request that comes through nginx reaches a gateway.',
    };
  },
};

function* unresolved(nginx: Nginx): Iterable<Fault> {
  for (const block of nginx.unresolved) {
    const directive = block.own('proxy_pass')[0]!;
    yield {
      places: [
        { value: directive, says: sayDirective(directive), at: directive.at },
        { value: block, says: block.says, at: block.directive.at },
      ],
      wants: 'an address, or a variable of a map, split_clients or set whose every value is one',
      breaks: 'Where it leads depends on the request alone; nothing here can be compared with it.',
    };
  }
}

/** One finding for all routes that end at the same place. */
function* notCarried({ carried, routes }: Chain, nginx: Nginx): Iterable<Fault> {
  const found = new Set(carried.map(({ route }: Carried) => route));
  const server = carried[0]?.server ?? nginx.servers[0]!;
  const lost = routes.filter(({ route }) => !found.has(route));
  const byBlock = Map.groupBy(lost, ({ route }) => nginx.locationFor(server, samplePath(route)));
  for (const [block, rows] of byBlock) yield lostAt(block, rows);
}

function lostAt(block: NginxBlock, [first, ...others]: readonly RouteRow[]): Fault {
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  return {
    places: [{ value: block, says: block.says, at: block.directive.at }, first!.said],
    wants: `a location that passes ${first!.route.path}${more} to a gateway`,
    breaks: 'No client that comes through nginx reaches the route.',
  };
}
