type Simple = string | number | boolean | readonly unknown[] | ReadonlyMap<unknown, unknown>;

/** Options as a team gives them: all optional, in groups too. */
export type Provided<Options> = {
  readonly [Name in keyof Options]?: NonNullable<Options[Name]> extends
    Simple | ((...args: never[]) => unknown)
    ? Options[Name]
    : Partial<Options[Name]>;
};

/** The faults of options, one a line. */
type Report = (fault: string) => void;

/** Lays the given options over the defaults, group by group. An undefined value is as good as none. */
export function resolveOptions<Options extends object>(
  defaults: Options,
  given: object,
  report: Report,
  prefix = '',
): Options {
  const all = new Map<string, unknown>(Object.entries(defaults));
  for (const [name, value] of Object.entries(given) as [string, unknown][]) {
    const preset = all.get(name);
    if (value === undefined) continue;
    if (!all.has(name)) report(`${prefix}${name} is no option`);
    else if (isGroup(preset) && isGroup(value))
      all.set(name, resolveOptions(preset, value, report, `${prefix}${name}.`));
    else if (isLike(preset, value)) all.set(name, value);
    else report(`${prefix}${name} takes ${describe(preset)}`);
  }
  return Object.fromEntries(all) as Options;
}

const isGroup = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** Whether a value has the type of the default. If the default is undefined, any text has. */
function isLike(preset: unknown, value: unknown): boolean {
  if (preset === undefined) return typeof value === 'string';
  if (Array.isArray(preset)) return Array.isArray(value);
  if (preset instanceof Map) return value instanceof Map;
  if (isGroup(preset)) return false;
  return typeof value === typeof preset && (typeof value !== 'number' || value >= 0);
}

function describe(preset: unknown): string {
  if (preset === undefined) return 'a text';
  if (Array.isArray(preset)) return 'a list';
  if (preset instanceof Map) return 'a Map';
  if (isGroup(preset)) return `a group of options: ${Object.keys(preset).join(', ')}`;
  return typeof preset === 'number' ? 'a number, 0 or more' : `a ${typeof preset}`;
}
