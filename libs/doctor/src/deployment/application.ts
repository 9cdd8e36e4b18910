import {
  gatewayOptionsOf,
  settingsOf,
  upstreamsOf,
  type CodeSettings,
  type RootModule,
} from '@app/gateway/internal';
import type { RouteOptions, UpstreamOptions } from '@app/proxy/internal';

/** What the decorators of an application say about its gateway. */
export interface Application {
  readonly upstreams: readonly UpstreamOptions[];
  readonly settings: CodeSettings;
}

/** Reads the decorators of an application without starting it. @param root its root module */
export function readApplication(root: RootModule): Application {
  return { upstreams: upstreamsOf(root), settings: settingsOf(gatewayOptionsOf(root)) };
}

/** A path that matches the route. */
export function samplePath({ path }: RouteOptions): string {
  return path.replaceAll(/:[^/]+/g, 'x');
}
