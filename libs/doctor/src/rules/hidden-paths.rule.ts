import { OWN_ROUTES } from '@app/gateway/internal';
import type { Deployment } from '../deployment/deployment.js';
import { readLocation } from '../deployment/locations.js';
import type { Nginx } from '../deployment/nginx.js';
import type { NginxBlock } from '../deployment/nginx-block.js';
import type { Fault, Rule } from './rule.js';

/** All monitoring paths but liveness. */
const HIDDEN = OWN_ROUTES.filter(({ isMonitoring, path }) => isMonitoring && path !== '/health').map(
  ({ path }) => path,
);

const READ = 'Any client can read the names, states and load of the services.';

/** nginx does not pass requests for metrics and readiness to the gateway, and clients cannot bypass nginx. */
export const hiddenPathsRule: Rule = {
  name: 'hidden-paths',

  *check(deployment: Deployment): Iterable<Fault> {
    if (!deployment.nginx) return;
    yield* openPorts(deployment);
    for (const server of deployment.nginx.servers) {
      for (const path of HIDDEN) {
        for (const spelling of spellingsOf(path))
          yield* waysTo(deployment, deployment.nginx, server, spelling);
      }
    }
  },
};

function* openPorts(deployment: Deployment): Iterable<Fault> {
  for (const { opening, service } of deployment.gateways) {
    if (!opening) continue;
    yield {
      places: [opening, { value: service, text: `service ${service.name}`, at: service.at }],
      expected: 'ports on 127.0.0.1 only: nginx reaches the gateway by their shared network',
      impact: `Clients bypass nginx, its limits and its hidden paths. ${READ}`,
    };
  }
}

/** The spellings of a path that the gateway accepts. */
const spellingsOf = (path: string): string[] => [path, `${path}/`, path.toUpperCase()];

/** Each location through which a path reaches a gateway. */
function* waysTo(deployment: Deployment, nginx: Nginx, server: NginxBlock, path: string): Iterable<Fault> {
  const leading = new Set(deployment.gatewayLocations);
  const asked = new Set([path, ...[...server.descendants()].flatMap((block) => aliasFor(block, path) ?? [])]);
  const ways = [...asked].flatMap((each) =>
    nginx
      .proxyBlocksFor(server, each)
      .filter((block) => leading.has(block) && !isClosed(block) && forwarded(block, each) === path),
  );
  const gateway = deployment.gatewayServices[0]!;
  for (const block of new Set(ways)) {
    yield {
      places: [
        { value: block, text: block.text, at: block.directive.at },
        { value: path, text: `${gateway.name} responds to ${path}`, at: gateway.at },
      ],
      expected: `a location that responds to ${path} with 404`,
      impact: READ,
    };
  }
}

/** The path in a `proxy_pass`, which replaces the matched prefix of the location; undefined without one. */
function replacementIn(block: NginxBlock): string | undefined {
  const address = block.own('proxy_pass')[0]?.args[0] ?? '';
  return /^https?:\/\/[^/]+(\/[^$]*)/.exec(address)?.[1];
}

/** The path that a location turns into this one; undefined if it rewrites no path to it. */
function aliasFor(block: NginxBlock, path: string): string | undefined {
  const replacement = replacementIn(block);
  if (replacement === undefined || !path.startsWith(replacement)) return undefined;
  return readLocation(block).target + path.slice(replacement.length);
}

/** The path that the gateway receives. */
function forwarded(block: NginxBlock, path: string): string {
  const replacement = replacementIn(block);
  return replacement === undefined ? path : replacement + path.slice(readLocation(block).target.length);
}

/** Whether a block refuses requests, or is open to listed clients only. */
function isClosed(block: NginxBlock): boolean {
  return (
    block.own('return').length > 0 ||
    block.own('internal').length > 0 ||
    block.inherited('auth_basic').some(({ args }) => args[0] !== 'off') ||
    deniesStrangers(block)
  );
}

/** nginx applies the first matching rule of the nearest block that has rules. */
function deniesStrangers(block: NginxBlock): boolean {
  for (let around: NginxBlock | undefined = block; around; around = around.parent) {
    const rules = around.directive.block!.filter(({ name }) => name === 'allow' || name === 'deny');
    const first = rules.find(({ args }) => args[0] === 'all' || args[0]?.endsWith('/0'));
    if (rules.length > 0) return first?.name === 'deny';
  }
  return false;
}
