/** The paths of routes in the terms of OpenAPI. */
export interface DocumentPaths {
  /** Paths of the document, each with the path of its routes. */
  readonly paths: ReadonlyMap<string, string>;
  /** Paths of routes that OpenAPI has no words for. */
  readonly wildcards: readonly string[];
}

/**
 * Names the paths of routes as OpenAPI does: a parameter, and a wildcard too, is `{name}`. OpenAPI 3.1 has no wildcards, and
 * takes two paths that differ in the names of parameters alone for one. A wildcard beside a parameter therefore has no path
 * in the document.
 */
export function documentPaths(routePaths: readonly string[]): DocumentPaths {
  const paths = new Map<string, string>();
  const wildcards: string[] = [];
  const shapes = new Set<string>();
  for (const path of routePaths.toSorted(
    (one, other) => Number(hasWildcard(one)) - Number(hasWildcard(other)),
  )) {
    const documented = path.replace(/\/\{?\*(\w+)\}?$/, '/{$1}').replaceAll(/\/:(\w+)/g, '/{$1}');
    const shape = shapeOf(documented);
    if (shapes.has(shape)) wildcards.push(path);
    else paths.set(documented, path);
    shapes.add(shape);
  }
  return { paths, wildcards };
}

/** A path of OpenAPI without the names of its parameters: two paths of one shape are the same path. */
export function shapeOf(documented: string): string {
  return documented.replaceAll(/\/\{\w+\}/g, '/{}');
}

function hasWildcard(path: string): boolean {
  return path.includes('*');
}
