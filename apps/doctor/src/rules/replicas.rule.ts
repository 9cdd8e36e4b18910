import type { Chain } from '../chain/chain.js';
import type { NginxGroup } from '../chain/nginx.js';
import { sayDirective } from '../chain/nginx-block.js';
import type { Fault, Rule } from './rule.js';

/** Only with two do these have an effect. */
const OF_SEVERAL = ['least_conn', 'ip_hash', 'random', 'hash'];

/** nginx passes requests to as many gateways as compose runs, and each gateway knows how many share its limits. */
export const replicasRule: Rule = {
  name: 'replicas',

  *check(chain: Chain): Iterable<Fault> {
    const running = chain.gateways.reduce((sum, { service }) => sum + service.replicas, 0);
    const [first] = chain.gateways;
    if (!first) return;
    const services = {
      value: running,
      says: `${running} running: ${chain.gateways.map(({ service }) => service.name).join(', ')}`,
      at: first.service.at,
    };
    for (const gateway of chain.gateways) {
      const told = gateway.setting('GATEWAY_REPLICAS');
      if (told.value === running) continue;
      yield {
        places: [told, services],
        wants: `GATEWAY_REPLICAS: '${running}'`,
        breaks: 'While Redis is away, each gateway lets the wrong share of every limit pass.',
      };
    }
    for (const group of chain.gatewayGroups) {
      const count = countOf(chain, group);
      if (count !== running) {
        yield {
          places: [{ ...group.said, says: `${group.said.says}: ${count} servers` }, services],
          wants: `a server line for each of the ${running} gateways`,
          breaks:
            'A gateway that nginx does not know gets no requests, and the others have nobody to stand in.',
        };
      }
      if (count === 1) yield* withoutEffect(chain, group);
    }
  },
};

/** A name that is asked again stands for all containers of its service. */
function countOf({ stack }: Chain, { targets }: NginxGroup): number {
  const distinct = new Map(targets.map((target) => [`${target.host}:${target.port}`, target]));
  return [...distinct.values()].reduce((sum, { host }) => sum + (stack.serviceAt(host)?.replicas ?? 1), 0);
}

function* withoutEffect(chain: Chain, { block, targets, said }: NginxGroup): Iterable<Fault> {
  const locations = chain.gatewayLocations.filter(
    (location) => chain.nginx!.groupBehind(location)?.said.at === said.at,
  );
  const directives = new Set([
    ...OF_SEVERAL.flatMap((name) => block?.own(name) ?? []),
    ...locations.flatMap((location) => location.inherited('proxy_next_upstream')),
  ]);
  const methods = [...directives].map((directive) => ({
    value: directive,
    says: sayDirective(directive),
    at: directive.at,
  }));
  const marked = targets.filter((target) => / (max_fails=[1-9]|fail_timeout=)/.test(target.said.says));
  for (const place of [...methods, ...marked.map((target) => target.said)]) {
    yield {
      places: [place, { ...said, says: `${said.says}: 1 server` }],
      wants: 'two gateways',
      breaks: 'It has no effect: with one server there is no other to ask.',
    };
  }
}
