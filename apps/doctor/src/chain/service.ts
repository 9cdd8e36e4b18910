import type { Command, DockerHealthcheck, Stage } from '../files/docker-file.js';
import { toMap } from '../files/compose-merge.js';
import { entriesAt, itemsAt, nodeAt, textAt, type YamlNode } from '../files/yaml.tree.js';
import type { Place, Said } from './said.js';
import { composeMs, sizeBytes } from './units.js';

/** What `docker stop` gives a container that names no `stop_grace_period`. */
const DOCKER_GRACE_MS = 10_000;

/** Docker's own, where a health check names none. */
const DOCKER_INTERVAL_MS = 30_000;
const DOCKER_RETRIES = 3;

export interface Mount {
  /** On this machine, relative to the compose file's folder; undefined for a volume or tmpfs. */
  readonly source: string | undefined;
  /** In the container. */
  readonly target: string;
  readonly at: Place;
}

export interface HealthCheck {
  readonly command: Said<Command>;
  readonly intervalMs: number;
  readonly retries: number;
  readonly startPeriod: Said<number> | undefined;
}

export interface PublishedPort {
  /** The address that it is published on; undefined for all. */
  readonly host: string | undefined;
  readonly target: number;
  readonly said: Said;
}

/** One service of the compose file, with what its image adds where that is built here. */
export class ComposeService {
  readonly at: Place;

  /** @param stage of the Dockerfile that it is built from, where there is one */
  constructor(
    readonly name: string,
    readonly node: YamlNode,
    readonly stage: Stage | undefined,
  ) {
    this.at = node.at;
  }

  get image(): Said<string> | undefined {
    return textAt(this.node, 'image');
  }

  /** The image that programs come from: that which a build begins with. */
  get baseImage(): string {
    return this.stage?.image ?? this.image?.value ?? '';
  }

  /** Of compose, else of the image. */
  variable(name: string): Said<string> | undefined {
    const environment = nodeAt(this.node, 'environment');
    const said = environment && textAt(toMap(environment), name);
    return said ?? this.stage?.environment.get(name);
  }

  get environment(): ReadonlyMap<string, Said<string>> {
    const names = new Set([...(this.stage?.environment.keys() ?? []), ...this.entries('environment').keys()]);
    return new Map([...names].map((name) => [name, this.variable(name)!]));
  }

  label(name: string): Said<string> | undefined {
    const labels = nodeAt(this.node, 'labels');
    return labels && textAt(toMap(labels), name);
  }

  /** Milliseconds between SIGTERM and SIGKILL. */
  get stopGrace(): Said<number> {
    const said = textAt(this.node, 'stop_grace_period');
    if (said) return { ...said, value: composeMs(said.value) };
    return { value: DOCKER_GRACE_MS, says: "no stop_grace_period: Docker's 10 s", at: this.at };
  }

  get memoryLimit(): Said<number> | undefined {
    const said =
      textAt(this.node, 'mem_limit') ?? textAt(this.node, 'deploy', 'resources', 'limits', 'memory');
    return said && { ...said, value: sizeBytes(said.value) };
  }

  get replicas(): number {
    const said = textAt(this.node, 'deploy', 'replicas') ?? textAt(this.node, 'scale');
    return said ? Number(said.value) : 1;
  }

  /** What becomes process 1; undefined where the image says it and is not built here. */
  get firstProcess(): Said<Command> | undefined {
    const entrypoint = this.ownCommand('entrypoint') ?? this.stage?.entrypoint;
    if (entrypoint) return entrypoint;
    return this.ownCommand('command') ?? this.stage?.command;
  }

  get healthcheck(): HealthCheck | undefined {
    const node = nodeAt(this.node, 'healthcheck');
    if (textAt(node, 'disable')?.value === 'true') return undefined;
    const test = nodeAt(node, 'test');
    if (!test) return this.stage?.healthcheck && fromImage(this.stage.healthcheck);
    const command = testCommand(test);
    const startPeriod = textAt(node, 'start_period');
    return (
      command && {
        command,
        intervalMs: composeMs(textAt(node, 'interval')?.value ?? '') || DOCKER_INTERVAL_MS,
        retries: Number(textAt(node, 'retries')?.value ?? DOCKER_RETRIES),
        startPeriod: startPeriod && { ...startPeriod, value: composeMs(startPeriod.value) },
      }
    );
  }

  get ports(): readonly PublishedPort[] {
    return itemsAt(this.node, 'ports').flatMap((item) => {
      if (item.kind === 'map') {
        const target = Number(textAt(item, 'target')?.value);
        return [
          {
            host: textAt(item, 'host_ip')?.value,
            target,
            said: { value: target, says: `port ${target}`, at: item.at },
          },
        ];
      }
      if (item.kind !== 'text') return [];
      const parts = item.text.split('/')[0]!.split(':');
      const target = Number(parts.pop());
      parts.pop();
      const host = parts.length > 0 ? parts.join(':') : undefined;
      return [{ host, target, said: { value: target, says: `ports: ${item.text}`, at: item.at } }];
    });
  }

  /** The ports that it is known to listen on; empty where nobody says. */
  get exposed(): readonly number[] {
    return [
      ...itemsAt(this.node, 'expose').map((item) => (item.kind === 'text' ? Number(item.text) : Number.NaN)),
      ...this.ports.map(({ target }) => target),
    ];
  }

  /** Names of networks; a service that names none is on `default`. */
  get networks(): readonly string[] {
    const listed = itemsAt(this.node, 'networks').flatMap((item) =>
      item.kind === 'text' ? [item.text] : [],
    );
    const names = [...listed, ...entriesAt(this.node, 'networks').keys()];
    return names.length > 0 ? names : ['default'];
  }

  /** Every name and fixed address that others can reach it by. */
  get names(): readonly string[] {
    const networks = [...entriesAt(this.node, 'networks').values()];
    return [
      this.name,
      ...['container_name', 'hostname'].flatMap((key) => textAt(this.node, key)?.value ?? []),
      ...networks.flatMap((network) =>
        itemsAt(network, 'aliases').flatMap((item) => (item.kind === 'text' ? [item.text] : [])),
      ),
      ...this.addresses.map(({ value }) => value),
    ];
  }

  /** Addresses that it is given by hand. */
  get addresses(): readonly Said<string>[] {
    return [...entriesAt(this.node, 'networks').values()].flatMap((network) =>
      ['ipv4_address', 'ipv6_address'].flatMap((key) => textAt(network, key) ?? []),
    );
  }

  get mounts(): readonly Mount[] {
    return itemsAt(this.node, 'volumes').flatMap((item) => {
      if (item.kind === 'map') {
        const target = textAt(item, 'target')?.value ?? '';
        const source = textAt(item, 'type')?.value === 'bind' ? textAt(item, 'source')?.value : undefined;
        return [{ source, target, at: item.at }];
      }
      if (item.kind !== 'text') return [];
      const [source, target] = item.text.split(':');
      if (target === undefined) return [{ source: undefined, target: source!, at: item.at }];
      return [{ source: /^[./~]/.test(source!) ? source : undefined, target, at: item.at }];
    });
  }

  /** Services that it waits for, each with the condition. */
  get dependsOn(): ReadonlyMap<string, Said<string>> {
    const listed = itemsAt(this.node, 'depends_on').flatMap((item): [string, Said<string>][] =>
      item.kind === 'text'
        ? [[item.text, { value: 'service_started', says: `depends_on: ${item.text}`, at: item.at }]]
        : [],
    );
    const mapped = [...entriesAt(this.node, 'depends_on')].map(([name, node]): [string, Said<string>] => {
      const condition = textAt(node, 'condition')?.value ?? 'service_started';
      return [name, { value: condition, says: `depends_on: ${name} (${condition})`, at: node.at }];
    });
    return new Map([...listed, ...mapped]);
  }

  private entries(key: string): ReadonlyMap<string, YamlNode> {
    const node = nodeAt(this.node, key);
    return node ? entriesAt(toMap(node)) : new Map();
  }

  /** A text is split by compose itself, without a shell. */
  private ownCommand(key: 'command' | 'entrypoint'): Said<Command> | undefined {
    const node = nodeAt(this.node, key);
    if (node === undefined || node.kind === 'map') return undefined;
    const argv =
      node.kind === 'text' ? node.text.split(/\s+/).filter((word) => word !== '') : textsOf(node.items);
    return argv.length === 0
      ? undefined
      : { value: { argv }, says: `${key}: ${argv.join(' ')}`, at: node.at };
  }
}

const textsOf = (items: readonly YamlNode[]): string[] =>
  items.flatMap((item) => (item.kind === 'text' ? [item.text] : []));

/** Compose's `test`: `CMD` and a list, `CMD-SHELL` or a text for a shell, `NONE`. */
function testCommand(node: YamlNode): Said<Command> | undefined {
  const says = (text: string): string => `healthcheck: ${text}`;
  if (node.kind === 'text') return { value: { shell: node.text }, says: says(node.text), at: node.at };
  if (node.kind === 'map') return undefined;
  const [form, ...words] = textsOf(node.items);
  const text = words.join(' ');
  if (form === 'CMD') return { value: { argv: words }, says: says(text), at: node.at };
  return form === 'CMD-SHELL' ? { value: { shell: text }, says: says(text), at: node.at } : undefined;
}

function fromImage({ command, flags }: DockerHealthcheck): HealthCheck {
  const startPeriod = flags.get('start-period');
  return {
    command,
    intervalMs: composeMs(flags.get('interval') ?? '') || DOCKER_INTERVAL_MS,
    retries: Number(flags.get('retries') ?? DOCKER_RETRIES),
    startPeriod:
      startPeriod === undefined
        ? undefined
        : { value: composeMs(startPeriod), says: `--start-period=${startPeriod}`, at: command.at },
  };
}
