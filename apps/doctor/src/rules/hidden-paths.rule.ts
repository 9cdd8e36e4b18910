import type { Chain } from '../chain/chain.js';
import type { NginxBlock } from '../chain/nginx-block.js';
import type { Fault, Rule } from './rule.js';

const HIDDEN = ['/metrics', '/health/ready', '/health/live'];

/** What the gateway says of its inside, nginx does not pass on to strangers. */
export const hiddenPathsRule: Rule = {
  name: 'hidden-paths',

  *check(chain: Chain): Iterable<Fault> {
    const servers = new Set(chain.carried.map(({ server }) => server));
    for (const server of servers) {
      for (const path of HIDDEN) {
        const location = chain.nginx!.locationFor(server, path);
        if (!location.own('proxy_pass').length || isClosed(location)) continue;
        const port = chain.gateways[0]?.service;
        yield {
          places: [
            { value: location, says: location.says, at: location.directive.at },
            ...(port ? [{ value: path, says: `${port.name} answers ${path}`, at: port.at }] : []),
          ],
          wants: `a location that answers ${path} with 404`,
          breaks: 'Strangers read which services there are, how they are, and how much is asked of them.',
        };
      }
    }
  },
};

/** Refused by its own answer, or open to listed addresses alone. */
function isClosed(location: NginxBlock): boolean {
  return (
    location.own('return').length > 0 ||
    location.own('internal').length > 0 ||
    location.inherited('auth_basic').some(({ args }) => args[0] !== 'off') ||
    location.inherited('deny').some(({ args }) => args[0] === 'all')
  );
}
