import type { Deployment } from '../deployment/deployment.js';
import { sayDirective } from '../deployment/nginx-block.js';
import type { Fault, Rule } from './rule.js';

/** The folder whose log files the official image links to standard output. */
const LINKED = '/var/log/nginx/';

/** nginx logs to standard output, for `docker compose logs`, and no volume hides the image's links. */
export const logsRule: Rule = {
  name: 'logs',
  needsApplication: false,

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
        impact: '`docker compose logs` shows nothing, and the volume grows without limit.',
      };
    }
    for (const block of nginx.root.descendants()) {
      for (const directive of [...block.own('access_log'), ...block.own('error_log')]) {
        const [target = ''] = directive.args;
        if (/^(off|stderr|syslog:|memory:|\/dev\/)/.test(target) || target.startsWith(LINKED)) continue;
        yield {
          places: [{ value: target, text: sayDirective(directive), at: directive.at }, service],
          expected: `${directive.name} ${directive.name === 'access_log' ? '/dev/stdout' : 'stderr'}`,
          impact: '`docker compose logs` shows nothing.',
        };
      }
    }
  },
};
