/** What Express knows of its routes. */
export interface RoutedApplication {
  readonly router: {
    readonly stack: readonly {
      readonly route?: { readonly methods: Readonly<Record<string, boolean>> };
      match(path: string): boolean;
    }[];
  };
}

/** The methods that controllers have for a path, as `Allow` lists them; undefined where none has the path. */
export function controllerMethodsFor(app: RoutedApplication, path: string): string | undefined {
  const methods = new Set<string>();
  for (const layer of app.router.stack) {
    if (!layer.route || !layer.match(path)) continue;
    for (const method of Object.keys(layer.route.methods)) methods.add(method.toUpperCase());
  }
  if (methods.has('GET')) methods.add('HEAD');
  return methods.size === 0 ? undefined : [...methods].join(', ');
}
