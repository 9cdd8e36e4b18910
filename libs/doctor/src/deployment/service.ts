import { isIP } from 'node:net';
import { join } from 'node:path';
import type { Command, Copied, Stage } from '../files/docker-stage.js';
import { UnreadableError } from '../files/unreadable.error.js';
import { toMap } from '../files/compose-merge.js';
import { entriesAt, itemsAt, nodeAt, textAt, textsOf, writtenIn, type YamlNode } from '../files/yaml.tree.js';
import { commandText, readHealthCheck, type HealthCheck } from './health-check.js';
import { readMounts, type Mount } from './mounts.js';
import { publishedPorts, readPorts, type PortRange, type PublishedPort } from './ports.js';
import type { SourceLocation, Sourced } from '../files/sourced.js';
import { shellWords } from './shell-words.js';
import { composeMs, count, sizeBytes } from './units.js';

/** Docker's default of `stop_grace_period`. */
const DOCKER_GRACE_MS = 10_000;

/** An image that compose builds. */
export interface BuiltImage {
  readonly stage: Stage;
  /** The folder of the build context. */
  readonly context: string;
}

/** A service of the compose file. If its image is built here, the values of the image complete those of the file. */
export class ComposeService {
  readonly at: SourceLocation;

  constructor(
    readonly name: string,
    readonly node: YamlNode,
    private readonly built: BuiltImage | undefined,
  ) {
    this.at = node.at;
  }

  /** The stage of a Dockerfile that the image is built from; undefined if the image is not built here. */
  get stage(): Stage | undefined {
    return this.built?.stage;
  }

  /** The files that the image copies. Sources are relative to the folder of the compose file. */
  get copies(): readonly Copied[] {
    return (this.built?.stage.copies ?? []).map((copied) => ({
      ...copied,
      source: join(this.built!.context, copied.source),
    }));
  }

  /** Whether compose starts the service with these profiles. */
  runsWith(profiles: readonly string[]): boolean {
    const own = textsOf(itemsAt(this.node, 'profiles'));
    return own.length === 0 || profiles.includes('*') || own.some((profile) => profiles.includes(profile));
  }

  get image(): Sourced<string> | undefined {
    return textAt(this.node, 'image');
  }

  /** The image that has the programs: the base image of a build, or the image itself. */
  get baseImage(): string {
    return this.stage?.image ?? this.image?.value ?? '';
  }

  /** A variable of the compose file, or else of the image. */
  variable(name: string): Sourced<string> | undefined {
    const environment = nodeAt(this.node, 'environment');
    const source = environment && textAt(toMap(environment), name);
    return source ?? this.stage?.environment.get(name);
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
    const source = textAt(this.node, 'stop_grace_period');
    if (source) return composeMs(source);
    return { value: DOCKER_GRACE_MS, text: "no stop_grace_period: Docker's 10 s", at: this.at };
  }

  get memoryLimit(): Sourced<number> | undefined {
    const source =
      textAt(this.node, 'mem_limit') ?? textAt(this.node, 'deploy', 'resources', 'limits', 'memory');
    return source && sizeBytes(source);
  }

  get replicas(): number {
    const source = textAt(this.node, 'deploy', 'replicas') ?? textAt(this.node, 'scale');
    return source ? count(source).value : 1;
  }

  /** Process 1 with its arguments; undefined if it is that of an image that is not built here. */
  get firstProcess(): Sourced<Command> | undefined {
    const own = this.ownCommand('entrypoint');
    const entrypoint = own ?? this.stage?.entrypoint;
    // Compose drops the image's command if the compose file has an entrypoint.
    const command = this.ownCommand('command') ?? (own ? undefined : this.stage?.command);
    if (!entrypoint || 'shell' in entrypoint.value || !command) return entrypoint ?? command;
    const { value } = command;
    const words = 'shell' in value ? ['/bin/sh', '-c', value.shell] : value.argv;
    return { ...command, value: { argv: [...entrypoint.value.argv, ...words] } };
  }

  /** Each part is compose's own, or else the image's. */
  get healthcheck(): HealthCheck | undefined {
    return readHealthCheck(nodeAt(this.node, 'healthcheck'), this.stage?.healthcheck);
  }

  /** @throws UnreadableError at a text that is no port */
  get ports(): readonly PublishedPort[] {
    return publishedPorts(this.node);
  }

  /** `network_mode: host`, with which every port of the service is open on the machine; else undefined. */
  get hostNetwork(): Sourced<string> | undefined {
    const source = textAt(this.node, 'network_mode');
    return source?.value === 'host' ? source : undefined;
  }

  /** The ports of `expose` and `ports`. */
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

  /** Default: `default`. */
  get networks(): readonly string[] {
    const listed = itemsAt(this.node, 'networks').flatMap((item) =>
      item.kind === 'text' ? [item.text] : [],
    );
    const names = [...listed, ...entriesAt(this.node, 'networks').keys()];
    return names.length > 0 ? names : ['default'];
  }

  /** All names and fixed addresses by which other services reach this one. */
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

  /** Its fixed addresses. @throws UnreadableError at a text that is no address */
  get addresses(): readonly Sourced<string>[] {
    return [...entriesAt(this.node, 'networks').values()].flatMap((network) =>
      ['ipv4_address', 'ipv6_address'].flatMap((key) => {
        const source = textAt(network, key);
        if (source && isIP(source.value) === 0)
          throw new UnreadableError(source.at, `${source.text} is no address`);
        return source ?? [];
      }),
    );
  }

  get mounts(): readonly Mount[] {
    return readMounts(this.node);
  }

  /** The condition of each service that this one waits for. */
  get dependsOn(): ReadonlyMap<string, Sourced<string>> {
    const listed = itemsAt(this.node, 'depends_on').flatMap((item): [string, Sourced<string>][] =>
      item.kind === 'text'
        ? [[item.text, { value: 'service_started', text: `depends_on: ${item.text}`, at: item.at }]]
        : [],
    );
    const valueForUpgrade = [...entriesAt(this.node, 'depends_on')].map(
      ([name, node]): [string, Sourced<string>] => {
        const condition = textAt(node, 'condition')?.value ?? 'service_started';
        return [name, { value: condition, text: `depends_on: ${name} (${condition})`, at: node.at }];
      },
    );
    return new Map([...listed, ...valueForUpgrade]);
  }

  private entries(key: string): ReadonlyMap<string, YamlNode> {
    const node = nodeAt(this.node, key);
    return node ? entriesAt(toMap(node)) : new Map();
  }

  /** Compose splits a text into words itself, without a shell. */
  private ownCommand(key: 'command' | 'entrypoint'): Sourced<Command> | undefined {
    const node = nodeAt(this.node, key);
    if (node === undefined || node.kind === 'map') return undefined;
    const argv = node.kind === 'text' ? shellWords(node.text) : textsOf(node.items);
    return argv.length === 0
      ? undefined
      : { value: { argv }, text: `${key}: ${commandText(node)}`, at: node.at };
  }
}
