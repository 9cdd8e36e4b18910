import type { Deployment } from '../deployment/deployment.js';
import { sayMs } from '../deployment/units.js';
import type { Fault, Rule } from './rule.js';

/** The time after the drain, in which connections to upstreams, Redis and resources of a team's own modules close. */
const MARGIN_MS = 5_000;

const READINESS = '/health/ready';

/**
 * The `stop_grace_period` is longer than shutdown delay, drain and a margin. The shutdown delay is long enough for a health
 * check that requests `/health/ready`. nginx does not check readiness: it learns of a shutdown from the first refused
 * connection.
 */
export const drainRule: Rule = {
  name: 'drain',

  *check(deployment: Deployment): Iterable<Fault> {
    for (const gateway of deployment.gateways) {
      const [delay, timeout] = [gateway.setting('SHUTDOWN_DELAY_MS'), gateway.setting('DRAIN_TIMEOUT_MS')];
      const grace = gateway.service.stopGrace;
      const leastMs = delay.value + timeout.value + MARGIN_MS;
      if (!(grace.value >= leastMs)) {
        yield {
          places: [grace, timeout, delay],
          expected: `stop_grace_period of ${sayMs(leastMs)} or more: shutdown delay, drain and ${sayMs(MARGIN_MS)} to close`,
          impact:
            'Docker kills the gateway before its drain is over: requests are cut off, and WebSockets end without a close frame.',
        };
      }
      const check = gateway.service.healthcheck;
      const readMs = check && check.intervalMs * check.retries;
      if (check && readsReadiness(check.command.value) && delay.value < readMs!) {
        yield {
          places: [delay, check.command],
          expected: `SHUTDOWN_DELAY_MS of ${readMs} or more: interval x retries of the health check of readiness`,
          impact: 'The gateway closes its port while clients still send requests, which are refused.',
        };
      }
    }
    yield* nginxGrace(deployment);
  },
};

/** The `stop_grace_period` of nginx is long enough for requests in flight. */
function* nginxGrace({ nginx, gateways }: Deployment): Iterable<Fault> {
  if (!nginx?.service) return;
  const grace = nginx.service.stopGrace;
  for (const gateway of gateways) {
    const timeout = gateway.setting('REQUEST_TIMEOUT_MS');
    if (grace.value >= timeout.value) continue;
    yield {
      places: [grace, timeout],
      expected: `stop_grace_period of ${sayMs(timeout.value)} or more for nginx`,
      impact: 'Docker kills nginx while a gateway may still respond to a request from nginx.',
    };
  }
}

function readsReadiness(command: { argv: readonly string[] } | { shell: string }): boolean {
  return ('argv' in command ? command.argv.join(' ') : command.shell).includes(READINESS);
}
