import { shapeOf } from './document-paths.js';

type Json = Record<string, unknown>;

/** An OpenAPI document, 3.0 or 3.1; that of `@nestjs/swagger` among others. */
export interface OpenApiDocument {
  readonly paths: object;
  readonly components?: object | undefined;
}

type Components = Readonly<Record<string, Json>>;

const PARAMETER = /\{(\w+)\}/g;

/** The prefix of the gateway's components beside a team's. */
const PREFIX = 'Gateway';

const BEARER = 'bearer';

/** Adds the paths and components of the gateway's document to another. Both stay as they are. */
export function mergeDocuments<Document extends OpenApiDocument>(
  document: Document,
  gateway: Json,
): Document {
  const components = (document.components ?? {}) as Components;
  const scheme = schemeNameIn(components['securitySchemes'] ?? {});
  const own = renamed(gateway, scheme);
  const { securitySchemes, schemas, responses } = own['components'] as Components;
  return {
    ...document,
    paths: mergePaths(document.paths as Record<string, Json>, own['paths'] as Record<string, Json>),
    ...('x-wildcards' in own && { 'x-wildcards': own['x-wildcards'] }),
    components: {
      ...components,
      securitySchemes: { [scheme]: securitySchemes![BEARER], ...components['securitySchemes'] },
      schemas: { ...components['schemas'], ...prefixed(schemas!) },
      responses: { ...components['responses'], ...prefixed(responses!) },
    },
  };
}

/** The name of the gateway's security scheme: `bearer`, unless the other document has another kind of scheme under it. */
function schemeNameIn(schemes: Json): string {
  const { type, scheme } = (schemes[BEARER] ?? { type: 'http', scheme: BEARER }) as Json;
  return type === 'http' && String(scheme).toLowerCase() === BEARER ? BEARER : `${PREFIX}Bearer`;
}

/** A copy of the gateway's document that refers to the names of its components in the merged one. */
function renamed(gateway: Json, scheme: string): Json {
  return JSON.parse(JSON.stringify(gateway), (key, value: unknown) => {
    if (key === '$ref') return withPrefix(value as string);
    return key === 'security' ? [{ [scheme]: [] }] : value;
  }) as Json;
}

/** The reference `#/components/KIND/NAME` to a component of the gateway with its prefix. */
function withPrefix(reference: string): string {
  const start = reference.lastIndexOf('/') + 1;
  return reference.slice(0, start) + PREFIX + reference.slice(start);
}

const prefixed = (components: Json): Json =>
  Object.fromEntries(Object.entries(components).map(([name, component]) => [PREFIX + name, component]));

function mergePaths(
  team: Readonly<Record<string, Json>>,
  gateway: Readonly<Record<string, Json>>,
): Record<string, Json> {
  const paths = { ...team };
  const names = new Map(Object.keys(team).map((path) => [shapeOf(path), path]));
  for (const [path, item] of Object.entries(gateway)) {
    const name = names.get(shapeOf(path));
    if (name === undefined) paths[path] = item;
    else paths[name] = { ...team[name], ...operationsOf(item, name) };
  }
  return paths;
}

/** The operations of a path, with the names that the parameters have in another path of the same shape. */
function operationsOf({ parameters = [], ...operations }: Json, path: string): Json {
  const names = [...path.matchAll(PARAMETER)].map(([, name]) => name!);
  const own = (parameters as readonly object[]).map((parameter, index) => ({
    ...parameter,
    name: names[index],
  }));
  return Object.fromEntries(
    Object.entries(operations).map(([method, operation]) => [
      method,
      { ...(operation as Json), ...(own.length > 0 && { parameters: own }) },
    ]),
  );
}
