import type { Deployment } from '../deployment/deployment.js';
import type { NginxGroup } from '../deployment/nginx.js';
import { sayDirective } from '../deployment/nginx-block.js';
import type { Fault, Rule } from './rule.js';

/** Directives that have an effect only with two servers or more. */
const OF_SEVERAL = ['least_conn', 'ip_hash', 'random', 'hash'];

/** nginx passes requests to as many gateways as compose runs, and each gateway knows how many share its limits. */
export const replicasRule: Rule = {
  name: 'replicas',

  *check(deployment: Deployment): Iterable<Fault> {
    const services = deployment.gatewayServices;
    const [first] = services;
    if (!first) return;
    const running = services.reduce((sum, { replicas }) => sum + replicas, 0);
    const source = {
      value: running,
      text: `${running} running: ${services.map(({ name }) => name).join(', ')}`,
      at: first.at,
    };
    for (const gateway of deployment.gateways) {
      const told = gateway.setting('GATEWAY_REPLICAS');
      if (told.value === running) continue;
      yield {
        places: [told, source],
        expected: `GATEWAY_REPLICAS: '${running}'`,
        impact: 'Without Redis each gateway lets the wrong part of every limit pass.',
      };
    }
    for (const group of deployment.gatewayGroups) {
      const known = countOf(deployment, group);
      if (known !== running) {
        const isLess = known < running;
        yield {
          places: [{ ...group.source, text: `${group.source.text}: ${plural(known, 'server')}` }, source],
          expected: isLess
            ? `a server line for each of the ${plural(running, 'gateway')}`
            : `server lines only for the ${plural(running, 'gateway')}`,
          impact: isLess
            ? 'A gateway that nginx does not know gets no requests, and does not replace another one that fails.'
            : 'nginx sends requests to a gateway that does not run, and loses time before it tries another.',
        };
      }
      if (known === 1) yield* withoutEffect(deployment, group);
    }
  },
};

const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** The number of gateways behind a group. A name stands for all containers of its service. */
function countOf({ stack }: Deployment, { targets }: NginxGroup): number {
  const distinct = new Map(targets.map((target) => [`${target.host}:${target.port}`, target]));
  return [...distinct.values()].reduce((sum, { host }) => sum + (stack.serviceAt(host)?.replicas ?? 1), 0);
}

function* withoutEffect(deployment: Deployment, group: NginxGroup): Iterable<Fault> {
  const { block, targets, source } = group;
  const locations = deployment.gatewayLocations.filter((location) =>
    deployment.nginx!.groupsFor(location).includes(group),
  );
  const directives = new Set([
    ...OF_SEVERAL.flatMap((name) => block?.own(name) ?? []),
    ...locations.flatMap((location) => location.inherited('proxy_next_upstream')),
  ]);
  const methods = [...directives].map((directive) => ({
    value: directive,
    text: sayDirective(directive),
    at: directive.at,
  }));
  const marked = targets.filter((target) => / (max_fails=[1-9]|fail_timeout=)/.test(target.source.text));
  for (const place of [...methods, ...marked.map((target) => target.source)]) {
    yield {
      places: [place, { ...source, text: `${source.text}: 1 server` }],
      expected: 'two gateways',
      impact: 'The directive has no effect: with one server there is no other to try.',
    };
  }
}
