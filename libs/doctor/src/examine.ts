import { dirname } from 'node:path';
import type { Application } from './deployment/application.js';
import { Deployment } from './deployment/deployment.js';
import { Nginx } from './deployment/nginx.js';
import { nginxServices } from './deployment/roles.js';
import { NginxFiles, type NginxMount } from './deployment/nginx-files.js';
import { Prometheus } from './deployment/prometheus.js';
import { describeLocation } from './files/sourced.js';
import type { ComposeService } from './deployment/service.js';
import { Stack } from './deployment/stack.js';
import { TextFiles } from './files/text-files.js';
import { escaped, printable } from './files/printable.js';
import type { Fault } from './rules/rule.js';
import { RULES } from './rules/rules.js';

const EXAMPLE = '.env.example';

/** The names of compose files, in the order in which compose takes them. */
const COMPOSE = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml'];

/** Of a project without a build. */
const NO_APPLICATION: Application = { upstreams: [], settings: {} };

/** The files to read. All paths but `compose` default to those in the compose file. */
export interface Paths {
  /** Later files override earlier ones. Default: the first of `compose.yaml`, `compose.yml`, `docker-compose.yaml`, `docker-compose.yml`. */
  readonly compose?: readonly string[] | undefined;
  /** nginx's main file; its folder is used as `/etc/nginx`. Default: the files that the compose file mounts there. */
  readonly nginx?: string | undefined;
  /** Replaces the Dockerfiles of the compose file. */
  readonly dockerfile?: string | undefined;
  /** Default: the file that the compose file mounts at `/etc/prometheus/prometheus.yml`. */
  readonly prometheus?: string | undefined;
  /** Variables of the compose file. Default: `.env` beside it, if it exists. */
  readonly env?: string | undefined;
}

export interface Finding extends Fault {
  readonly rule: string;
}

export interface Report {
  readonly findings: readonly Finding[];
  /** Parts of the deployment that were not examined. */
  readonly notices: readonly string[];
  readonly rules: readonly string[];
}

/**
 * Compares all files of one deployment. What it does not find is a notice.
 *
 * @param root the folder that paths are relative to
 * @param application the application that the gateways of the deployment run, or why it cannot be read
 * @throws UnreadableError if a file cannot be read or parsed
 */
export function examine(root: string, paths: Paths, application: Application | string): Report {
  const files = new TextFiles(root);
  const found = COMPOSE.find((name) => files.exists(name));
  const { env, dockerfile, compose = found === undefined ? [] : [found] } = paths;
  if (compose.length === 0) {
    return { findings: [], notices: [`no compose file was found: nothing was checked`], rules: [] };
  }
  const isRead = typeof application !== 'string';
  const stack = new Stack(files, { compose, env, dockerfile });
  const nginxes = readNginxes(files, stack, paths.nginx);
  const prometheus = Prometheus.read(files, stack, paths.prometheus);
  const examples = [stack.pathOf(EXAMPLE)].filter((path) => files.exists(path));
  const deployment = new Deployment({
    files,
    stack,
    nginxes,
    prometheus,
    examples,
    application: isRead ? application : NO_APPLICATION,
  });
  const rules = isRead ? RULES : RULES.filter(({ needsApplication = true }) => !needsApplication);
  const findings = rules.flatMap((rule) =>
    [...rule.check(deployment)].map((fault) => ({ rule: rule.name, ...shown(fault) })),
  );
  return {
    findings: distinct(findings),
    notices: [
      ...(isRead ? [] : [`rules about routes were not checked: ${application}`]),
      ...stack.notices,
      ...(deployment.nginx?.notices ?? []),
      ...(deployment.nginx ? [] : ['no nginx was found: the rules about nginx were not checked']),
      ...(deployment.gatewayServices.length > 0
        ? []
        : ['no gateway was found: the rules about gateways were not checked']),
    ].map(printable),
    rules: rules.map(({ name }) => name),
  };
}

/** Each service that may be nginx, or only the configuration at the given path. */
function readNginxes(files: TextFiles, stack: Stack, path: string | undefined): Nginx[] {
  const services = nginxServices(stack);
  if (path === undefined) {
    return services.map((service) => readNginx(files, service, mountsOf(stack, service)));
  }
  return [readNginx(files, services[0], mountsAt(path))];
}

function readNginx(
  files: TextFiles,
  service: ComposeService | undefined,
  mounts: readonly NginxMount[],
): Nginx {
  const variables = new Map(
    [...(service?.environment ?? [])].map(([name, { value }]): [string, string] => [name, value]),
  );
  return new Nginx(new NginxFiles(files, mounts, variables), service);
}

/** The files of nginx's container, later ones above earlier ones: copies of the image, mounts, deeper mounts. */
function mountsOf(stack: Stack, { copies, mounts }: ComposeService): NginxMount[] {
  const binds = mounts.toSorted((a, b) => a.target.length - b.target.length);
  return [
    ...copies.map((copied) => ({ ...copied, isBind: false })),
    ...binds.flatMap(({ source, target, at }) =>
      source === undefined ? [] : [{ source: stack.pathOf(source), target, at, isBind: true }],
    ),
  ];
}

function mountsAt(path: string): NginxMount[] {
  const at = { file: path };
  return [
    { source: dirname(path), target: '/etc/nginx', at, isBind: true },
    { source: path, target: '/etc/nginx/nginx.conf', at, isBind: true },
  ];
}

/** The finding without secrets and without control characters. */
function shown({ places, expected, impact }: Fault): Fault {
  const [first, ...others] = places.map(({ value, text, at }) => ({
    value,
    text: printable(text),
    at: { ...at, file: escaped(at.file) },
  }));
  return { places: [first!, ...others], expected: escaped(expected), impact: escaped(impact) };
}

/** Removes repeated findings: two gateways with one configuration have the same. */
function distinct(findings: readonly Finding[]): Finding[] {
  const key = ({ rule, places, expected, impact }: Finding): string =>
    JSON.stringify([rule, places.map(({ text, at }) => [text, describeLocation(at)]), expected, impact]);
  return [...new Map(findings.map((finding) => [key(finding), finding])).values()];
}
