import type { Deployment } from '../deployment/deployment.js';
import { sayDirective } from '../deployment/nginx-block.js';
import type { Fault, Rule } from './rule.js';

/** Where the official image links its log files to standard output. */
const LINKED = '/var/log/nginx/';

/** nginx logs where `docker compose logs` finds it: to standard output, and to no volume over the image's links. */
export const logsRule: Rule = {
  name: 'logs',

  *check({ nginx }: Deployment): Iterable<Fault> {
    if (!nginx?.service) return;
    const volume = nginx.service.mounts.find(({ target }) =>
      LINKED.startsWith(`${target.replace(/\/$/, '')}/`),
    );
    const service = { value: nginx.service, text: `service ${nginx.service.name}`, at: nginx.service.at };
    if (volume) {
      yield {
        places: [{ value: volume, text: `volume at ${volume.target}`, at: volume.at }, service],
        expected: 'access_log /dev/stdout and error_log stderr, without the volume',
        impact: '`docker compose logs` is silent, and the volume fills.',
      };
    }
    for (const block of nginx.root.descendants()) {
      for (const directive of [...block.own('access_log'), ...block.own('error_log')]) {
        const [target = ''] = directive.args;
        if (/^(off|stderr|syslog:|memory:|\/dev\/)/.test(target) || target.startsWith(LINKED)) continue;
        yield {
          places: [{ value: target, text: sayDirective(directive), at: directive.at }, service],
          expected: `${directive.name} ${directive.name === 'access_log' ? '/dev/stdout' : 'stderr'}`,
          impact: '`docker compose logs` is silent.',
        };
      }
    }
  },
};
