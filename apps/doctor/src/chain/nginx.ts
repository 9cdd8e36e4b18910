import { NginxBlock, sayDirective } from './nginx-block.js';
import { locationFor } from './locations.js';
import type { NginxFiles } from './nginx-files.js';
import type { Said } from './said.js';
import type { ComposeService } from './service.js';

/** A server that nginx passes requests on to. */
export interface NginxTarget {
  readonly host: string;
  readonly port: number;
  /** Whether its name is asked again while nginx runs. */
  readonly isAskedAgain: boolean;
  readonly said: Said<string>;
}

/** The `upstream` block behind a `proxy_pass`, or the address in it. */
export interface NginxGroup {
  /** Undefined where `proxy_pass` names a host. */
  readonly block: NginxBlock | undefined;
  readonly targets: readonly NginxTarget[];
  readonly said: Said;
}

/** What nginx's configuration says, from its `http` block down. */
export class Nginx {
  readonly root: NginxBlock;

  constructor(
    readonly files: NginxFiles,
    /** Undefined where the configuration was named by hand and no service runs it. */
    readonly service: ComposeService | undefined,
  ) {
    const at = { file: 'nginx.conf' };
    this.root = new NginxBlock({ name: 'main', args: [], at, block: files.read() }, undefined);
  }

  get servers(): readonly NginxBlock[] {
    return [...this.root.descendants()].filter(
      ({ name, parent }) => name === 'server' && parent?.name === 'http',
    );
  }

  /** Every location that passes requests on. */
  get proxyLocations(): readonly NginxBlock[] {
    return this.servers.flatMap((server) =>
      [...server.descendants()].filter(
        (block) => block.name === 'location' && block.own('proxy_pass').length > 0,
      ),
    );
  }

  get groups(): readonly NginxGroup[] {
    const named = [...this.root.descendants()]
      .filter(({ name, parent }) => name === 'upstream' && parent?.name === 'http')
      .map((block) => this.groupOf(block));
    const direct = this.proxyLocations.flatMap((location) => this.groupBehind(location) ?? []);
    return [...named, ...direct.filter(({ block }) => block === undefined)];
  }

  /** Where a location passes requests; undefined where it passes none, or where a variable decides. */
  groupBehind(location: NginxBlock): NginxGroup | undefined {
    const [directive] = location.own('proxy_pass');
    if (!directive) return undefined;
    const address = valueOf(directive.args[0] ?? '', location)
      .replace(/^https?:\/\//, '')
      .split('/')[0]!;
    if (address.includes('$')) return undefined;
    const block = [...this.root.descendants()].find(
      ({ name, directive: { args } }) => name === 'upstream' && args[0] === address,
    );
    if (block) return this.groupOf(block);
    const said = { value: address, says: sayDirective(directive), at: directive.at };
    // A name in a variable is asked again, by the resolver.
    const isAskedAgain = directive.args[0]!.includes('$');
    const isTls = directive.args[0]!.startsWith('https:');
    return {
      block: undefined,
      targets: [{ ...splitAddress(address, isTls ? 443 : 80), isAskedAgain, said }],
      said,
    };
  }

  /** The location that a path is handled in, in one server. */
  locationFor(server: NginxBlock, path: string): NginxBlock {
    return locationFor(server, path);
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

  private groupOf(block: NginxBlock): NginxGroup {
    const targets = block
      .own('server')
      .filter(({ args }) => !args.includes('down'))
      .map((directive): NginxTarget => {
        const [address = '', ...parameters] = directive.args;
        return {
          ...splitAddress(address, 80),
          isAskedAgain: parameters.includes('resolve'),
          said: { value: address, says: sayDirective(directive), at: directive.at },
        };
      });
    return {
      block,
      targets,
      said: { value: block.directive.args[0], says: block.says, at: block.directive.at },
    };
  }
}

/** With the variables of `set`, as far as they are plain. */
function valueOf(text: string, block: NginxBlock): string {
  return text.replaceAll(/\$\{?(\w+)\}?/g, (whole, name: string) => {
    for (let around: NginxBlock | undefined = block; around; around = around.parent) {
      const set = around.own('set').find(({ args }) => args[0] === `$${name}`);
      if (set) return set.args[1] ?? whole;
    }
    return whole;
  });
}

function splitAddress(address: string, fallback: number): { host: string; port: number } {
  const [, host, port] = /^(.*?)(?::(\d+))?$/.exec(address)!;
  return { host: host!, port: port === undefined ? fallback : Number(port) };
}
