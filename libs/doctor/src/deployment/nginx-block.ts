import type { Directive } from '../files/nginx.parser.js';
import type { Sourced } from '../files/sourced.js';

/** nginx's defaults that are the same in all its versions (nginx.org, 1.29). */
const DEFAULTS: Readonly<Record<string, readonly string[]>> = {
  client_body_timeout: ['60s'],
  client_max_body_size: ['1m'],
  large_client_header_buffers: ['4', '8k'],
  proxy_buffer_size: ['4k'],
  proxy_read_timeout: ['60s'],
  proxy_request_buffering: ['on'],
  proxy_send_timeout: ['60s'],
};

/** A block of nginx's configuration, with the blocks around it from which it inherits. */
export class NginxBlock {
  readonly children: readonly NginxBlock[];

  constructor(
    readonly directive: Directive,
    readonly parent: NginxBlock | undefined,
  ) {
    this.children = (directive.block ?? [])
      .filter(({ block }) => block !== undefined)
      .map((child) => new NginxBlock(child, this));
  }

  get name(): string {
    return this.directive.name;
  }

  /** The block's own directives of a name. */
  own(name: string): readonly Directive[] {
    return this.directive.block!.filter((each) => each.name === name && each.block === undefined);
  }

  /** The directives of a name that apply here: those of the nearest block that has any. */
  inherited(name: string): readonly Directive[] {
    const own = this.own(name);
    return own.length > 0 || !this.parent ? own : this.parent.inherited(name);
  }

  /** The arguments of a directive here, or nginx's default; empty if the default differs between versions. */
  setting(name: string): Sourced<readonly string[]> {
    const directive = this.inherited(name).at(-1);
    if (directive) return { value: directive.args, text: sayDirective(directive), at: directive.at };
    const value = DEFAULTS[name];
    const text = value ? `no ${name}: nginx's ${value.join(' ')}` : `no ${name}`;
    return { value: value ?? [], text, at: this.directive.at };
  }

  /** The first argument of a directive here. */
  word(name: string): Sourced<string> {
    const { value, ...source } = this.setting(name);
    return { ...source, value: value[0] ?? '' };
  }

  /** The value of a header that is sent to the upstream; undefined if nginx passes the client's header. */
  sentHeader(name: string): Sourced<string> | undefined {
    const directive = this.inherited('proxy_set_header').findLast(
      ({ args }) => args[0]?.toLowerCase() === name.toLowerCase(),
    );
    return directive && { value: directive.args[1] ?? '', text: sayDirective(directive), at: directive.at };
  }

  /** This block and all blocks inside it. */
  *descendants(): Iterable<NginxBlock> {
    yield this;
    for (const child of this.children) yield* child.descendants();
  }

  /** The text for findings. */
  get text(): string {
    return sayDirective(this.directive);
  }
}

export function sayDirective({ name, args }: Directive): string {
  return [name, ...args.map((arg) => (arg === '' ? "''" : arg))].join(' ');
}
