import type { Deployment } from '../deployment/deployment.js';
import { sayMs } from '../deployment/units.js';
import type { Fault, Rule } from './rule.js';

/** After the drain the agents, Redis and a team's own resources close. */
const MARGIN_MS = 5_000;

const READINESS = '/health/ready';

/**
 * Docker's time to stop is more than the drain's two steps with a margin, and the first of them is long enough for
 * whoever reads readiness. That can be a gateway's own health check, where it asks for `/health/ready`; nginx reads it
 * nowhere, and learns that a gateway goes from the first connection that it refuses.
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
            'Docker kills the gateway before its drain is over: requests are cut, WebSockets end without a close frame.',
        };
      }
      const check = gateway.service.healthcheck;
      const readMs = check && check.intervalMs * check.retries;
      if (check && readsReadiness(check.command.value) && delay.value < readMs!) {
        yield {
          places: [delay, check.command],
          expected: `SHUTDOWN_DELAY_MS of ${readMs} or more: interval x retries of the check that reads readiness`,
          impact: 'The listener closes while requests are still sent here, and these are refused.',
        };
      }
    }
    yield* nginxGrace(deployment);
  },
};

/** nginx, too, gives what is in flight its time. */
function* nginxGrace({ nginx, gateways }: Deployment): Iterable<Fault> {
  if (!nginx?.service) return;
  const grace = nginx.service.stopGrace;
  for (const gateway of gateways) {
    const deadline = gateway.setting('REQUEST_TIMEOUT_MS');
    if (grace.value >= deadline.value) continue;
    yield {
      places: [grace, deadline],
      expected: `stop_grace_period of ${sayMs(deadline.value)} or more for nginx`,
      impact: 'Docker kills nginx while a gateway may still answer a request that it passed on.',
    };
  }
}

function readsReadiness(command: { argv: readonly string[] } | { shell: string }): boolean {
  return ('argv' in command ? command.argv.join(' ') : command.shell).includes(READINESS);
}
