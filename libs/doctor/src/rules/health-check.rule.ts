import { OWN_ROUTES } from '@app/gateway/internal';
import type { Deployment } from '../deployment/deployment.js';
import { hasProgram } from '../deployment/images.js';
import type { Sourced } from '../files/sourced.js';
import type { HealthCheck } from '../deployment/health-check.js';
import type { ComposeService } from '../deployment/service.js';
import { includesPort } from '../deployment/ports.js';
import { listeningPorts, nginxPorts } from '../deployment/listens.js';
import { shellCommands, wordsOf } from '../deployment/shell-words.js';
import type { Command } from '../files/docker-stage.js';
import type { Fault, Rule } from './rule.js';

/** Hosts that are, or may be, the IPv6 address of the container itself. */
const SIX = /^(?:localhost|\[::1\])(?::|$)|^::1$/;

/** Paths that the gateway responds to itself. */
const OWN_PATHS = new Set(OWN_ROUTES.map(({ path }) => path));

/** Health checks use IPv4, a program of the image and an existing path, and have a start period. */
export const healthCheckRule: Rule = {
  name: 'health-check',

  *check(deployment: Deployment): Iterable<Fault> {
    for (const service of deployment.stack.services) {
      const { healthcheck } = service;
      if (!healthcheck) continue;
      yield* addresses(service, healthcheck);
      yield* programs(service, healthcheck);
      yield* paths(deployment, service, healthcheck);
      if (healthcheck.startPeriod && healthcheck.startPeriod.value > 0) continue;
      yield {
        places: [healthcheck.command, serviceSaid(service)],
        expected: 'a start_period that covers the start',
        impact: 'Docker calls a container unhealthy while it starts, and services that wait for it give up.',
      };
    }
    yield* waiters(deployment);
  },
};

function* addresses(service: ComposeService, { command }: HealthCheck): Iterable<Fault> {
  const hosts = [...wordsOf(command.value), ...urlsOf(command.value).map(({ host }) => host)];
  if (!hosts.some((host) => SIX.test(host))) return;
  yield {
    places: [command, serviceSaid(service)],
    expected: '127.0.0.1 in place of localhost and ::1',
    impact: 'localhost may be ::1, and a server that listens on IPv4 alone does not respond there.',
  };
}

function* programs(service: ComposeService, { command }: HealthCheck): Iterable<Fault> {
  for (const program of programsOf(command.value)) {
    if (hasProgram(service, program) !== false) continue;
    yield {
      places: [command, service.image ?? serviceSaid(service)],
      expected: `a program that ${service.baseImage} has`,
      impact: `The image has no ${program}, so the container is never healthy.`,
    };
  }
}

function* paths(deployment: Deployment, service: ComposeService, { command }: HealthCheck): Iterable<Fault> {
  for (const url of urlsOf(command.value)) {
    const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
    const gateway = deployment.gateways.find((each) => each.service === service);
    if (gateway) {
      const own = gateway.setting('PORT');
      if (port !== own.value) {
        yield {
          places: [command, own],
          expected: `port ${own.value}`,
          impact: 'No server listens on the port of the health check, so the container is never healthy.',
        };
      } else if (!OWN_PATHS.has(url.pathname)) {
        yield {
          places: [command, own],
          expected: [...OWN_PATHS].slice(0, 3).join(', '),
          impact: `The gateway responds with 404 or 401 to ${url.pathname}, so the container is never healthy.`,
        };
      }
    } else if (deployment.nginx?.service !== service) yield* otherPorts(service, command, port);
    if (deployment.nginx?.service === service) yield* nginxPaths(deployment, command, url.pathname, port);
  }
}

/** A service with a PORT listens on the port of its health check. */
function* otherPorts(service: ComposeService, command: Sourced, port: number): Iterable<Fault> {
  const own = service.variable('PORT');
  if (!own || includesPort(listeningPorts(service), port)) return;
  yield {
    places: [command, own],
    expected: `port ${own.value}`,
    impact: 'No server listens on the port of the health check, so the container is never healthy.',
  };
}

function* nginxPaths(deployment: Deployment, command: Sourced, path: string, port: number): Iterable<Fault> {
  const nginx = deployment.nginx!;
  const server = nginx.servers.find((each) => nginxPorts(each).includes(port));
  const location = server && nginx.locationFor(server, path);
  const answer = location?.own('return').at(-1);
  const refuses = answer !== undefined && Number(answer.args[0]) >= 400;
  if (location && !refuses) return;
  yield {
    places: [
      command,
      answer
        ? { value: answer, text: `return ${answer.args.join(' ')}`, at: answer.at }
        : serviceSaid(nginx.service!),
    ],
    expected: server ? `a location that responds to ${path}` : `a server that listens on ${port}`,
    impact: 'nginx does not respond to its own health check, so the container is never healthy.',
  };
}

/** A service that others wait for with `service_healthy` has a health check. */
function* waiters({ stack }: Deployment): Iterable<Fault> {
  for (const service of stack.services) {
    for (const [name, condition] of service.dependsOn) {
      const other = stack.services.find((each) => each.name === name);
      // An image that is not built here may have a health check of its own.
      if (condition.value !== 'service_healthy' || !other?.stage || other.healthcheck) continue;
      yield {
        places: [condition, serviceSaid(other)],
        expected: `a healthcheck of ${name}, or the condition service_started`,
        impact: `${service.name} is never started.`,
      };
    }
  }
}

const serviceSaid = (service: ComposeService): Sourced => ({
  value: service,
  text: `service ${service.name}`,
  at: service.at,
});

function programsOf(command: Command): readonly string[] {
  if ('argv' in command) return command.argv.slice(0, 1);
  return shellCommands(command.shell)
    .map(([first]) => first!)
    .filter((word) => /^[\w./[-]+$/.test(word) && word !== 'exit');
}

/** The URLs in the words of a command, and inside the text of a program: `fetch('http://127.0.0.1/')`. */
function urlsOf(command: Command): URL[] {
  return wordsOf(command)
    .flatMap((word) => word.match(/https?:\/\/[^\s'"`()]+/g) ?? [])
    .filter((text) => URL.canParse(text))
    .map((text) => new URL(text));
}
