import { isIP } from 'node:net';
import { join } from 'node:path';
import type { Command, Copied, Stage } from '../files/docker-file.js';
import { UnreadableError } from '../files/unreadable.error.js';
import { toMap } from '../files/compose-merge.js';
import {
  entriesAt,
  itemsAt,
  nodeAt,
  textAt,
  writtenIn,
  type YamlList,
  type YamlNode,
  type YamlText,
} from '../files/yaml.tree.js';
import { publishedOn, readPorts, type PortRange } from './ports.js';
import type { SourceLocation, Sourced } from './sourced.js';
import { shellWords } from './shell-words.js';
import { composeMs, count, sizeBytes } from './units.js';

/** What `docker stop` gives a container that names no `stop_grace_period`. */
const DOCKER_GRACE_MS = 10_000;

/** Docker's own, where a health check names none. */
const DOCKER_INTERVAL_MS = 30_000;
const DOCKER_RETRIES = 3;

/** What compose builds a service's image from. */
export interface BuiltImage {
  readonly stage: Stage;
  /** The folder that copied files come from. */
  readonly context: string;
}

export interface Mount {
  /** On this machine, relative to the compose file's folder; undefined for a volume or tmpfs. */
  readonly source: string | undefined;
  /** In the container. */
  readonly target: string;
  readonly at: SourceLocation;
}

export interface HealthCheck {
  readonly command: Sourced<Command>;
  readonly intervalMs: number;
  readonly retries: number;
  readonly startPeriod: Sourced<number> | undefined;
}

export interface PublishedPort {
  /** The address that it is published on; undefined for all. */
  readonly host: string | undefined;
  /** In the container. */
  readonly ports: PortRange;
  readonly said: Sourced;
}

/** One service of the compose file, with what its image adds where that is built here. */
export class ComposeService {
  readonly at: SourceLocation;

  constructor(
    readonly name: string,
    readonly node: YamlNode,
    private readonly built: BuiltImage | undefined,
  ) {
    this.at = node.at;
  }

  /** The stage of a Dockerfile that it is built from; undefined where it is not built here. */
  get stage(): Stage | undefined {
    return this.built?.stage;
  }

  /** What its image copies, each source from where compose's own paths begin. */
  get copies(): readonly Copied[] {
    return (this.built?.stage.copies ?? []).map((copied) => ({
      ...copied,
      source: join(this.built!.context, copied.source),
    }));
  }

  /** Whether compose starts it, with these profiles on. */
  runsWith(profiles: readonly string[]): boolean {
    const own = textsOf(itemsAt(this.node, 'profiles'));
    return own.length === 0 || profiles.includes('*') || own.some((profile) => profiles.includes(profile));
  }

  get image(): Sourced<string> | undefined {
    return textAt(this.node, 'image');
  }

  /** The image that programs come from: that which a build begins with. */
  get baseImage(): string {
    return this.stage?.image ?? this.image?.value ?? '';
  }

  /** Of compose, else of the image. */
  variable(name: string): Sourced<string> | undefined {
    const environment = nodeAt(this.node, 'environment');
    const said = environment && textAt(toMap(environment), name);
    return said ?? this.stage?.environment.get(name);
  }

  get environment(): ReadonlyMap<string, Sourced<string>> {
    const names = new Set([...(this.stage?.environment.keys() ?? []), ...this.entries('environment').keys()]);
    return new Map([...names].map((name) => [name, this.variable(name)!]));
  }

  label(name: string): Sourced<string> | undefined {
    const labels = nodeAt(this.node, 'labels');
    return labels && textAt(toMap(labels), name);
  }

  /** Milliseconds between SIGTERM and SIGKILL. */
  get stopGrace(): Sourced<number> {
    const said = textAt(this.node, 'stop_grace_period');
    if (said) return composeMs(said);
    return { value: DOCKER_GRACE_MS, text: "no stop_grace_period: Docker's 10 s", at: this.at };
  }

  get memoryLimit(): Sourced<number> | undefined {
    const said =
      textAt(this.node, 'mem_limit') ?? textAt(this.node, 'deploy', 'resources', 'limits', 'memory');
    return said && sizeBytes(said);
  }

  get replicas(): number {
    const said = textAt(this.node, 'deploy', 'replicas') ?? textAt(this.node, 'scale');
    return said ? count(said).value : 1;
  }

  /** What becomes process 1, with its arguments; undefined where the image says it and is not built here. */
  get firstProcess(): Sourced<Command> | undefined {
    const own = this.ownCommand('entrypoint');
    const entrypoint = own ?? this.stage?.entrypoint;
    // Compose forgets the image's command where it has an entrypoint of its own.
    const command = this.ownCommand('command') ?? (own ? undefined : this.stage?.command);
    if (!entrypoint || 'shell' in entrypoint.value || !command) return entrypoint ?? command;
    const { value } = command;
    const words = 'shell' in value ? ['/bin/sh', '-c', value.shell] : value.argv;
    return { ...command, value: { argv: [...entrypoint.value.argv, ...words] } };
  }

  /** The image's own where compose says nothing, each part by itself. */
  get healthcheck(): HealthCheck | undefined {
    const node = nodeAt(this.node, 'healthcheck');
    if (textAt(node, 'disable')?.value === 'true') return undefined;
    const test = nodeAt(node, 'test');
    const image = this.stage?.healthcheck;
    const command = test ? testCommand(test) : image?.command;
    if (!command) return undefined;
    const part = (key: string, flag: string): Sourced<string> | undefined => {
      const value = image?.flags.get(flag);
      const ofImage =
        value === undefined ? undefined : { value, text: `--${flag}=${value}`, at: image!.command.at };
      return textAt(node, key) ?? ofImage;
    };
    const [interval, retries] = [part('interval', 'interval'), part('retries', 'retries')];
    const startPeriod = part('start_period', 'start-period');
    return {
      command,
      // Docker takes 0 for nothing said.
      intervalMs: (interval && composeMs(interval).value) || DOCKER_INTERVAL_MS,
      retries: (retries && count(retries).value) || DOCKER_RETRIES,
      startPeriod: startPeriod && composeMs(startPeriod),
    };
  }

  /** What is published. @throws UnreadableError */
  get ports(): readonly PublishedPort[] {
    return itemsAt(this.node, 'ports').flatMap((item) => {
      if (item.kind === 'list') return [];
      const host = item.kind === 'map' ? textAt(item, 'host_ip')?.value : publishedOn(item.text);
      const said =
        item.kind === 'map'
          ? (textAt(item, 'target') ?? { value: '', text: 'no target', at: item.at })
          : { value: item.text.split(':').at(-1)!, text: `ports: ${writtenIn(item)}`, at: item.at };
      return [{ host, ports: readPorts(said), said }];
    });
  }

  /** `network_mode: host`, where every port that it listens on is the machine's own. */
  get hostNetwork(): Sourced<string> | undefined {
    const said = textAt(this.node, 'network_mode');
    return said?.value === 'host' ? said : undefined;
  }

  /** The ports that it is known to listen on; empty where nobody says. */
  get exposed(): readonly PortRange[] {
    return [
      ...itemsAt(this.node, 'expose').flatMap((item) =>
        item.kind === 'text'
          ? [readPorts({ value: item.text, text: `expose: ${writtenIn(item)}`, at: item.at })]
          : [],
      ),
      ...this.ports.map(({ ports }) => ports),
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
  get addresses(): readonly Sourced<string>[] {
    return [...entriesAt(this.node, 'networks').values()].flatMap((network) =>
      ['ipv4_address', 'ipv6_address'].flatMap((key) => {
        const said = textAt(network, key);
        if (said && isIP(said.value) === 0) throw new UnreadableError(said.at, `${said.text} is no address`);
        return said ?? [];
      }),
    );
  }

  get mounts(): readonly Mount[] {
    return itemsAt(this.node, 'volumes').flatMap((item) => {
      if (item.kind === 'map') {
        const target = withoutSlash(textAt(item, 'target')?.value ?? '');
        const source = textAt(item, 'type')?.value === 'bind' ? textAt(item, 'source')?.value : undefined;
        return [{ source, target, at: item.at }];
      }
      if (item.kind !== 'text') return [];
      const [source, target] = item.text.split(':');
      if (target === undefined) return [{ source: undefined, target: withoutSlash(source!), at: item.at }];
      const isPath = /^[./~]/.test(source!);
      return [{ source: isPath ? source : undefined, target: withoutSlash(target), at: item.at }];
    });
  }

  /** Services that it waits for, each with the condition. */
  get dependsOn(): ReadonlyMap<string, Sourced<string>> {
    const listed = itemsAt(this.node, 'depends_on').flatMap((item): [string, Sourced<string>][] =>
      item.kind === 'text'
        ? [[item.text, { value: 'service_started', text: `depends_on: ${item.text}`, at: item.at }]]
        : [],
    );
    const mapped = [...entriesAt(this.node, 'depends_on')].map(([name, node]): [string, Sourced<string>] => {
      const condition = textAt(node, 'condition')?.value ?? 'service_started';
      return [name, { value: condition, text: `depends_on: ${name} (${condition})`, at: node.at }];
    });
    return new Map([...listed, ...mapped]);
  }

  private entries(key: string): ReadonlyMap<string, YamlNode> {
    const node = nodeAt(this.node, key);
    return node ? entriesAt(toMap(node)) : new Map();
  }

  /** A text is split by compose itself, without a shell. */
  private ownCommand(key: 'command' | 'entrypoint'): Sourced<Command> | undefined {
    const node = nodeAt(this.node, key);
    if (node === undefined || node.kind === 'map') return undefined;
    const argv = node.kind === 'text' ? shellWords(node.text) : textsOf(node.items);
    return argv.length === 0 ? undefined : { value: { argv }, text: `${key}: ${written(node)}`, at: node.at };
  }
}

const withoutSlash = (path: string): string => path.replace(/(?<=.)\/+$/, '');

const textsOf = (items: readonly YamlNode[]): string[] =>
  items.flatMap((item) => (item.kind === 'text' ? [item.text] : []));

/** A command as its author wrote it. */
function written(node: YamlText | YamlList): string {
  if (node.kind === 'text') return writtenIn(node);
  return node.items.map((item) => (item.kind === 'text' ? writtenIn(item) : '')).join(' ');
}

/** Compose's `test`: `CMD` and a list, `CMD-SHELL` or a text for a shell, `NONE`. */
function testCommand(node: YamlNode): Sourced<Command> | undefined {
  const describe = (text: string): string => `healthcheck: ${text}`;
  if (node.kind === 'text')
    return { value: { shell: node.text }, text: describe(writtenIn(node)), at: node.at };
  if (node.kind === 'map') return undefined;
  const [form, ...words] = textsOf(node.items);
  const said = { text: describe(written({ ...node, items: node.items.slice(1) })), at: node.at };
  if (form === 'CMD') return { ...said, value: { argv: words } };
  return form === 'CMD-SHELL' ? { ...said, value: { shell: words.join(' ') } } : undefined;
}
