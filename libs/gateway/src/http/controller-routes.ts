import { RouteMethodException } from '@app/proxy';
import { NotFoundException, type HttpException } from '@nestjs/common';

/** A layer of Express's router: a route of a controller, or middleware that has none. */
interface Layer {
  readonly handle: { readonly length: number };
  readonly route?: { readonly methods: Readonly<Record<string, boolean>> };
  match(path: string): boolean;
}

/** What Express knows of its routes. */
export interface RoutedApplication {
  readonly router: { readonly stack: readonly Layer[] };
}

/** Middleware that Express gives errors to. */
const ERROR_HANDLER_PARAMETERS = 4;

/** Nest's own 404 repeats the path. One for all: nothing of it is a request's. */
const NOT_FOUND = new NotFoundException('Not found');

/** The routes of controllers, asked before Express and Nest are entered: to be told by them of a 404 costs 20 us. */
export class ControllerRoutes {
  private readonly passed = new Set<Layer>();

  constructor(private readonly app: RoutedApplication) {
    this.pass(() => {});
  }

  /** Registers layers that serve no request by themselves: those that pass each on, and Nest's own 404. */
  pass(register: () => void): void {
    const { stack } = this.app.router;
    const before = this.passed.size === 0 ? 0 : stack.length;
    register();
    for (const layer of stack.slice(before)) this.passed.add(layer);
  }

  /** The exception for a request that nothing in Express serves; undefined if a controller or middleware may. */
  exceptionFor(method: string, path: string): HttpException | undefined {
    let isKnown = false;
    for (const layer of this.app.router.stack) {
      if (this.passed.has(layer) || layer.handle.length === ERROR_HANDLER_PARAMETERS) continue;
      if (!layer.match(path)) continue;
      if (!layer.route || doesServe(layer.route.methods, method)) return undefined;
      isKnown = true;
    }
    return isKnown ? new RouteMethodException(this.methodsFor(path)!) : NOT_FOUND;
  }

  /** The methods that controllers have for a path, as `Allow` lists them; undefined if none has the path. */
  methodsFor(path: string): string | undefined {
    const methods = new Set<string>();
    for (const layer of this.app.router.stack) {
      if (!layer.route || !layer.match(path)) continue;
      for (const method of Object.keys(layer.route.methods)) methods.add(method.toUpperCase());
    }
    if (methods.has('GET')) methods.add('HEAD');
    return methods.size === 0 ? undefined : [...methods].join(', ');
  }
}

/** Express serves HEAD as GET; `_all` is `app.all`. */
function doesServe(methods: Readonly<Record<string, boolean>>, method: string): boolean {
  return Boolean(methods['_all'] || methods[method.toLowerCase()] || (method === 'HEAD' && methods['get']));
}
