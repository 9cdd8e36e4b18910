import { methodsFault } from './methods.js';
import { ALLOWABLE } from './allowed-in-path.js';
import { readParameters, type PathParameters } from './path-parameters.js';
import { isUnambiguousPath } from './path-rules.js';
import type { AllowedInPath } from './route-options.js';
import { invalidRoute, type UpstreamRoute } from './upstream-route.js';
import { compileTarget, type ToTarget } from './upstream-target.js';

/** The path of a route, compiled at boot. */
export interface PathPattern extends PathParameters {
  /** Rewrites a request's path and query for the service. */
  readonly toUpstreamTarget: ToTarget;
}

/** @throws RouteTableConfigurationError if no request could match the route, or its methods or options for paths are invalid */
export function compilePath(route: UpstreamRoute): PathPattern {
  const { path, allowedInPath = [] } = route.options;
  const fault = methodsFault(route.options);
  if (fault !== undefined) throw invalidRoute(route, fault);
  for (const name of allowedInPath as readonly string[]) {
    if (ALLOWABLE.includes(name as AllowedInPath)) continue;
    throw invalidRoute(route, `has allowedInPath ${name}, which is none of ${ALLOWABLE.join(', ')}`);
  }
  if (!isUnambiguousPath(path.replace(/\{(\*\w+)\}$/, '$1'))) {
    throw invalidRoute(route, 'has a path that no request can have');
  }
  const parameters = readParameters(route);
  return { ...parameters, toUpstreamTarget: compileTarget(route, parameters) };
}
