import { NginxBlock, sayDirective } from './nginx-block.js';
import { locationFor, readLocation } from './locations.js';
import type { NginxFiles } from './nginx-files.js';
import { NginxVariables } from './nginx-variables.js';
import type { Sourced } from './sourced.js';
import type { ComposeService } from './service.js';

/** A server that nginx passes requests on to. */
export interface NginxTarget {
  readonly host: string;
  readonly port: number;
  /** Whether its name is asked again while nginx runs. */
  readonly isAskedAgain: boolean;
  readonly said: Sourced<string>;
}

/** The `upstream` block behind a `proxy_pass`, or the address in it. */
export interface NginxGroup {
  /** Undefined where `proxy_pass` names a host. */
  readonly block: NginxBlock | undefined;
  readonly targets: readonly NginxTarget[];
  readonly said: Sourced;
}

/** A block with a `proxy_pass`, and where that leads. */
interface Pass {
  readonly groups: readonly NginxGroup[];
  /** Whether all that its address can be is said in the files. */
  readonly isResolved: boolean;
}

/** Blocks inside a location that pass some of its requests elsewhere. */
const CONDITIONS = new Set(['if', 'limit_except']);

/** What nginx's configuration says, from its `http` block down. */
export class Nginx {
  readonly root: NginxBlock;
  readonly servers: readonly NginxBlock[];
  readonly variables: NginxVariables;
  /** Every `upstream` block, and every address that a `proxy_pass` names itself. */
  readonly groups: readonly NginxGroup[];
  /** What of it the doctor does not understand, for the reader. */
  readonly notices: readonly string[];
  private readonly upstreams: ReadonlyMap<string, NginxGroup>;
  private readonly passes: ReadonlyMap<NginxBlock, Pass>;

  constructor(
    readonly files: NginxFiles,
    /** Undefined where the configuration was named by hand and no service runs it. */
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
    const passing = this.servers
      .flatMap((server) => [...server.descendants()])
      .filter((block) => block.own('proxy_pass').length > 0);
    this.passes = new Map(passing.map((block) => [block, this.follow(block)]));
    const behind = [...this.passes.values()].flatMap(({ groups }) => groups);
    this.groups = [...this.upstreams.values(), ...behind.filter(({ block }) => block === undefined)];
    this.notices = [...files.notices, ...blocks.filter(isUnreadable).map(sayUnreadable)];
  }

  /** Every block that passes requests on: locations, and the conditions inside them. */
  get passing(): readonly NginxBlock[] {
    return [...this.passes.keys()];
  }

  /** Blocks whose `proxy_pass` leads where no file says. */
  get unresolved(): readonly NginxBlock[] {
    return this.passing.filter((block) => !this.passes.get(block)!.isResolved);
  }

  /** Where a block passes requests: several groups where a variable chooses, none where it passes none. */
  groupsBehind(block: NginxBlock): readonly NginxGroup[] {
    return this.passes.get(block)?.groups ?? [];
  }

  /** The location that a path is handled in, in one server. */
  locationFor(server: NginxBlock, path: string): NginxBlock {
    return locationFor(server, path);
  }

  /** The blocks that may pass a path on: its location with its conditions, or the named one that it hands over to. */
  passingFor(server: NginxBlock, path: string): readonly NginxBlock[] {
    const location = locationFor(server, path);
    const own = [location, ...location.children.filter(({ name }) => CONDITIONS.has(name))];
    const passing = own.filter((block) => this.passes.has(block));
    if (passing.length > 0) return passing;
    const names = [...location.own('try_files'), ...location.own('error_page')].map(({ args }) =>
      args.at(-1),
    );
    return server.children.filter(
      (block) => this.passes.has(block) && names.includes(block.directive.args[0]),
    );
  }

  /** A text, or where it is a variable that a `map` makes of `$http_upgrade`, what it makes of this value. */
  mapped(text: string, upgrade: string): string {
    const map = [...this.root.descendants()].find(
      ({ name, directive: { args } }) => name === 'map' && args[0] === '$http_upgrade' && args[1] === text,
    );
    if (!map) return text;
    const rows = map.directive.block!;
    const row = rows.find(({ name }) => name === upgrade) ?? rows.find(({ name }) => name === 'default');
    return row?.args[0] ?? '';
  }

  private follow(block: NginxBlock): Pass {
    const directive = block.own('proxy_pass')[0]!;
    const written = directive.args[0] ?? '';
    const said = { text: sayDirective(directive), at: directive.at };
    const groups = this.variables.valuesOf(written, block).map((text): NginxGroup | undefined => {
      const { address, isTls } = addressIn(text);
      const group = this.upstreams.get(address);
      if (group) return group;
      if (address === '' || address.includes('$')) return undefined;
      // A name in a variable is asked again, by the resolver.
      const isAskedAgain = addressIn(written).address.includes('$');
      const target = {
        ...splitAddress(address, isTls ? 443 : 80),
        isAskedAgain,
        said: { value: address, ...said },
      };
      return { block: undefined, targets: [target], said: { value: address, ...said } };
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
        isAskedAgain: parameters.includes('resolve'),
        said: { value: address, text: sayDirective(directive), at: directive.at },
      };
    });
  return {
    block,
    targets,
    said: { value: block.directive.args[0], text: block.text, at: block.directive.at },
  };
}

/** The address of a `proxy_pass`; the variables of the request's path stand for a path. */
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
  `${at.file}:${at.line}: ${text}: a regular expression that is not understood, as if it were not there`;
