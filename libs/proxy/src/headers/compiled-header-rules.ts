import type { Exchange } from '../http/exchange.js';
import { HeaderChanges, type AddedField } from '../http/header-changes.js';
import type { HeaderRuleOptions, HeaderRules, HeaderValue } from '../routing/header-rules.js';
import { canonicalName, fieldNameFault, fieldValueFault } from '../transport/field-names.js';
import { HeaderConfigurationError } from './header-options.js';
import { isFromPrincipal, readerOf, type HeaderReader } from './header-sources.js';

/** A field that a rule adds, with its value or the way to it. */
interface CompiledField {
  readonly name: string;
  readonly canonical: string;
  readonly value: string | HeaderReader;
}

/** The rules of a route for one direction, those of its upstream included. */
interface CompiledDirection {
  /** Names in their canonical form. */
  readonly removed: ReadonlySet<string>;
  readonly fields: readonly CompiledField[];
}

/** Options with the words that errors call them by. */
export interface DeclaredHeaders {
  readonly owner: string;
  readonly options: HeaderRuleOptions;
  /** The parameters of the route's path; undefined for an upstream. */
  readonly parameters?: ReadonlyMap<string, unknown> | undefined;
}

/** The header rules of one route, compiled at boot. */
export class CompiledHeaderRules {
  private constructor(
    private readonly request: CompiledDirection | undefined,
    private readonly response: CompiledDirection | undefined,
  ) {}

  /**
   * @param declared the options of the upstream, then those of the route: the later ones win
   * @param guarded names of `guardedNames`
   * @returns undefined if nothing is to be changed
   * @throws HeaderConfigurationError
   */
  static compile(
    declared: readonly DeclaredHeaders[],
    guarded: ReadonlySet<string>,
  ): CompiledHeaderRules | undefined {
    const request = compileDirection(declared, 'requestHeaders', guarded);
    const response = compileDirection(declared, 'responseHeaders', new Set());
    return request || response ? new CompiledHeaderRules(request, response) : undefined;
  }

  /** Gives an exchange its changes. Call it once, behind the gates. */
  prepare(exchange: Exchange): void {
    const { request, response } = this;
    if (request) exchange.requestHeaders.include(request.removed, valuesOf(request, exchange));
    if (!response) return;
    exchange.responseChanges = new HeaderChanges();
    exchange.responseChanges.include(response.removed, valuesOf(response, exchange));
  }
}

/**
 * The names that any rule of an upstream or of its routes sets from the principal, in their canonical form. On routes without
 * such a rule too, a client's own value would be taken for the gateway's.
 */
export function guardedNames(options: readonly HeaderRuleOptions[]): ReadonlySet<string> {
  const names = options.flatMap(({ requestHeaders }) =>
    Object.entries(requestHeaders?.set ?? {})
      .filter(([, value]) => isFromPrincipal(value))
      .map(([name]) => canonicalName(name.toLowerCase())),
  );
  return new Set(names);
}

function valuesOf({ fields }: CompiledDirection, exchange: Exchange): AddedField[] {
  const values: AddedField[] = [];
  for (const { name, canonical, value: declared } of fields) {
    const value = typeof declared === 'string' ? declared : declared(exchange);
    if (value !== undefined) values.push({ name, canonical, value });
  }
  return values;
}

type Direction = keyof HeaderRuleOptions;

function compileDirection(
  declared: readonly DeclaredHeaders[],
  direction: Direction,
  guarded: ReadonlySet<string>,
): CompiledDirection | undefined {
  const removed = new Set(guarded);
  let fields: CompiledField[] = [];
  for (const { owner, options, parameters } of declared) {
    const rules = options[direction];
    if (!rules) continue;
    const { set = {}, add = {}, remove = [] } = rules;
    checkNames(rules, direction, owner);
    const canonicals = [...Object.keys(set), ...remove].map((name) => canonicalName(name.toLowerCase()));
    for (const canonical of canonicals) removed.add(canonical);
    fields = fields.filter(({ canonical }) => !canonicals.includes(canonical));
    for (const [name, value] of [...Object.entries(set), ...Object.entries(add)]) {
      fields.push(compileField(name, value, { owner: `${owner}, ${direction}`, parameters }));
    }
  }
  return removed.size === 0 && fields.length === 0 ? undefined : { removed, fields };
}

function compileField(
  name: string,
  value: HeaderValue,
  { owner, parameters }: Pick<DeclaredHeaders, 'owner' | 'parameters'>,
): CompiledField {
  const canonical = canonicalName(name.toLowerCase());
  if (typeof value === 'string') {
    const fault = fieldValueFault(value);
    if (fault !== undefined) throw new HeaderConfigurationError(`${owner}: ${name} ${fault}`);
    return { name, canonical, value };
  }
  const reader = readerOf(value.from, parameters);
  if (typeof reader === 'string') throw new HeaderConfigurationError(`${owner}: ${name} ${reader}`);
  return { name, canonical, value: reader };
}

/** Response headers that the gateway alone writes. */
const OWN_OF_RESPONSES = /^(?:x-request-id|x-gateway-.*|x-ratelimit-.*|access-control-.*)$/;

/** @throws HeaderConfigurationError if a name cannot be changed, or is in two places */
function checkNames(
  { set = {}, add = {}, remove = [] }: HeaderRules,
  direction: Direction,
  owner: string,
): void {
  const fail = (name: string, fault: string): never => {
    throw new HeaderConfigurationError(`${owner}, ${direction}: ${name} ${fault}`);
  };
  const changed = [...Object.keys(set), ...remove];
  for (const name of [...changed, ...Object.keys(add)]) {
    const fault = fieldNameFault(name);
    if (fault !== undefined) fail(JSON.stringify(name), fault);
    if (direction === 'responseHeaders' && OWN_OF_RESPONSES.test(canonicalName(name.toLowerCase())))
      fail(name, 'is written by the gateway');
  }
  const seen = new Set<string>();
  for (const name of changed) {
    const canonical = canonicalName(name.toLowerCase());
    if (seen.has(canonical)) fail(name, 'is set or removed twice');
    if (direction === 'responseHeaders' && canonical === 'vary')
      fail(name, 'is for caches, and can only be added to');
    seen.add(canonical);
  }
  if (direction === 'responseHeaders') return;
  for (const [name, value] of Object.entries(add)) {
    if (isFromPrincipal(value))
      fail(name, 'could come from the client too: use `set` for values of the principal');
  }
}
