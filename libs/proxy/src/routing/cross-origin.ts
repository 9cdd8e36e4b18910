import type { RouteOptions } from './route-options.js';
import { describeRoute, RouteTableConfigurationError, type UpstreamRoute } from './upstream-route.js';

const CORS: ReadonlySet<string | undefined> = new Set([undefined, 'gateway', 'upstream']);
const CROSS_ORIGIN: ReadonlySet<string | undefined> = new Set([undefined, 'any']);

/** @throws RouteTableConfigurationError if a route has invalid or contradictory options for requests of other origins */
export function checkCrossOrigin(route: UpstreamRoute): void {
  const { auth, cors, crossOrigin, methods } = route.options;
  const fail = (fault: string): never => {
    throw new RouteTableConfigurationError(`${describeRoute(route)} ${fault}`);
  };
  if (!CORS.has(cors)) fail(`has the cors ${cors}; 'gateway' and 'upstream' are possible`);
  if (!CROSS_ORIGIN.has(crossOrigin))
    fail(`has the crossOrigin ${crossOrigin as string}; only 'any' is possible`);
  if (cors === 'upstream' && auth !== 'none' && methods.includes('OPTIONS'))
    fail("has OPTIONS and cors: 'upstream', whose preflights need no token: it must have auth: 'none'");
  if (crossOrigin === undefined) return;
  if (auth !== 'none') fail("has crossOrigin: 'any', which only a route with auth: 'none' may have");
  if (cors === 'upstream')
    fail("has both crossOrigin and cors: 'upstream', where the service decides about origins");
}

/**
 * The options of the route that takes CORS preflights for a route to its service; undefined if the gateway responds to them.
 * Browsers send no token with a preflight (Fetch standard, section 3.2.2). All else holds for preflights too, but the limit,
 * whose count is for the requests themselves, and the options of event streams, which are for GET.
 */
export function preflightOptionsOf(options: RouteOptions): RouteOptions | undefined {
  const { websocket, limit: _limit, endsSession: _ends, eventStream: _events, ...rest } = options;
  if (options.cors !== 'upstream' || websocket) return undefined;
  return { ...rest, methods: ['OPTIONS'], auth: 'none' };
}
