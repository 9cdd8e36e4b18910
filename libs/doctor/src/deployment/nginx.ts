import { NginxBlock, sayDirective } from './nginx-block.js';
import { locationFor, readLocation } from './locations.js';
import type { NginxFiles } from './nginx-files.js';
import { NginxVariables } from './nginx-variables.js';
import type { Sourced } from '../files/sourced.js';
import type { ComposeService } from './service.js';

/** A server that nginx passes requests to. */
export interface NginxTarget {
  readonly host: string;
  readonly port: number;
  /** Whether nginx resolves its name again while it runs; otherwise once, when it starts. */
  readonly isReResolved: boolean;
  readonly source: Sourced<string>;
}

/** The servers behind a `proxy_pass`: an `upstream` block, or the address in the directive. */
export interface NginxGroup {
  /** Undefined if `proxy_pass` has an address. */
  readonly block: NginxBlock | undefined;
  readonly targets: readonly NginxTarget[];
  readonly source: Sourced;
}

/** The destinations of a block with a `proxy_pass`. */
interface Pass {
  readonly groups: readonly NginxGroup[];
  /** Whether every possible value of its address is in the files. */
  readonly isResolved: boolean;
}

/** Blocks inside a location that may pass some of its requests to another address. */
const CONDITIONS = new Set(['if', 'limit_except']);

/** The configuration of nginx, from its `http` block down. */
export class Nginx {
  readonly root: NginxBlock;
  readonly servers: readonly NginxBlock[];
  readonly variables: NginxVariables;
  /** Every `upstream` block, and every address in a `proxy_pass`. */
  readonly groups: readonly NginxGroup[];
  /** Parts that the doctor does not understand. */
  readonly notices: readonly string[];
  private readonly upstreams: ReadonlyMap<string, NginxGroup>;
  private readonly destinations: ReadonlyMap<NginxBlock, Pass>;

  constructor(
    readonly files: NginxFiles,
    /** Undefined if the configuration was given by path and no service runs it. */
    readonly service: ComposeService | undefined,
  ) {
    const at = { file: 'nginx.conf' };
    this.root = new NginxBlock({ name: 'main', args: [], at, block: files.read() }, undefined);
    const blocks = [...this.root.descendants()];
    const inHttp = blocks.filter(({ parent }) => parent?.name === 'http');
    this.servers = inHttp.filter(({ name }) => name === 'server');
    this.variables = new NginxVariables(this.root);
    this.upstreams = new Map(
      inHttp
        .filter(({ name }) => name === 'upstream')
        .map((block) => [block.directive.args[0] ?? '', groupOf(block)]),
    );
    const proxyBlocks = this.servers
      .flatMap((server) => [...server.descendants()])
      .filter((block) => block.own('proxy_pass').length > 0);
    this.destinations = new Map(proxyBlocks.map((block) => [block, this.resolveProxyPass(block)]));
    const passed = [...this.destinations.values()].flatMap(({ groups }) => groups);
    this.groups = [...this.upstreams.values(), ...passed.filter(({ block }) => block === undefined)];
    this.notices = [...files.notices, ...blocks.filter(isUnreadable).map(sayUnreadable)];
  }

  /** Every block with a `proxy_pass`: locations, and the conditions inside them. */
  get proxyBlocks(): readonly NginxBlock[] {
    return [...this.destinations.keys()];
  }

  /** Blocks whose `proxy_pass` has an address that no file states. */
  get unresolved(): readonly NginxBlock[] {
    return this.proxyBlocks.filter((block) => !this.destinations.get(block)!.isResolved);
  }

  /** The groups that a block passes requests to: several if a variable chooses, none without a `proxy_pass`. */
  groupsFor(block: NginxBlock): readonly NginxGroup[] {
    return this.destinations.get(block)?.groups ?? [];
  }

  /** The location of a server that handles a path. */
  locationFor(server: NginxBlock, path: string): NginxBlock {
    return locationFor(server, path);
  }

  /**
   * The blocks that may pass a path on: its location and the conditions inside; without these, the named locations that its
   * `try_files` or `error_page` fall back to.
   */
  proxyBlocksFor(server: NginxBlock, path: string): readonly NginxBlock[] {
    const location = locationFor(server, path);
    const own = [location, ...location.children.filter(({ name }) => CONDITIONS.has(name))];
    const proxyBlocks = own.filter((block) => this.destinations.has(block));
    if (proxyBlocks.length > 0) return proxyBlocks;
    const names = [...location.own('try_files'), ...location.own('error_page')].map(({ args }) =>
      args.at(-1),
    );
    return server.children.filter(
      (block) => this.destinations.has(block) && names.includes(block.directive.args[0]),
    );
  }

  /** The value that `map $http_upgrade TEXT` gives for an `Upgrade` header; the text itself if there is no such map. */
  valueForUpgrade(text: string, upgrade: string): string {
    const map = [...this.root.descendants()].find(
      ({ name, directive: { args } }) => name === 'map' && args[0] === '$http_upgrade' && args[1] === text,
    );
    if (!map) return text;
    const rows = map.directive.block!;
    const row = rows.find(({ name }) => name === upgrade) ?? rows.find(({ name }) => name === 'default');
    return row?.args[0] ?? '';
  }

  private resolveProxyPass(block: NginxBlock): Pass {
    const directive = block.own('proxy_pass')[0]!;
    const written = directive.args[0] ?? '';
    const source = { text: sayDirective(directive), at: directive.at };
    const groups = this.variables.valuesOf(written, block).map((text): NginxGroup | undefined => {
      const { address, isTls } = addressIn(text);
      const group = this.upstreams.get(address);
      if (group) return group;
      if (address === '' || address.includes('$')) return undefined;
      // nginx resolves a name in a variable for each request.
      const isReResolved = addressIn(written).address.includes('$');
      const target = {
        ...splitAddress(address, isTls ? 443 : 80),
        isReResolved,
        source: { value: address, ...source },
      };
      return { block: undefined, targets: [target], source: { value: address, ...source } };
    });
    const resolved = groups.filter((group) => group !== undefined);
    return { groups: [...new Set(resolved)], isResolved: resolved.length === groups.length };
  }
}

function groupOf(block: NginxBlock): NginxGroup {
  const targets = block
    .own('server')
    .filter(({ args }) => !args.includes('down'))
    .map((directive): NginxTarget => {
      const [address = '', ...parameters] = directive.args;
      return {
        ...splitAddress(address, 80),
        isReResolved: parameters.includes('resolve'),
        source: { value: address, text: sayDirective(directive), at: directive.at },
      };
    });
  return {
    block,
    targets,
    source: { value: block.directive.args[0], text: block.text, at: block.directive.at },
  };
}

/** The address in a `proxy_pass`, without the path or a variable for the path. */
function addressIn(text: string): { address: string; isTls: boolean } {
  const rest = text.replace(/^https?:\/\//, '');
  const address = rest.split(/\/|\$\{?(?:request_|document_)?uri\b/)[0]!;
  return { address, isTls: text.startsWith('https:') };
}

function splitAddress(address: string, fallback: number): { host: string; port: number } {
  const [, host, port] = /^(.*?)(?::(\d+))?$/.exec(address)!;
  return { host: host!, port: port === undefined ? fallback : Number(port) };
}

function isUnreadable(block: NginxBlock): boolean {
  if (block.name !== 'location') return false;
  const { modifier, matches } = readLocation(block);
  return modifier.startsWith('~') && matches === undefined;
}

const sayUnreadable = ({ text, directive: { at } }: NginxBlock): string =>
  `${at.file}:${at.line}: ${text}: the regular expression is not understood, and the location is ignored`;
