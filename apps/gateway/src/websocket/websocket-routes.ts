import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { SETTINGS, type Settings } from '@app/gateway';
import { pathOf, RouteTableError, UpstreamRegistry, type ProxyRow } from '@app/proxy';
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { asksForWebSocket } from './handshake.js';
import { WebSocketRoute } from './websocket-route.js';

/**
 * The WebSocket rows of all upstreams, each joined to the `@WebSocketGateway()` class that names its path: a row
 * without its class would have nobody to speak for it, and a class without its row no service.
 */
@Injectable()
export class WebSocketRoutes implements OnApplicationBootstrap {
  private readonly classes = new Map<string, EventEmitter>();
  private readonly routes = new Map<ProxyRow, WebSocketRoute>();

  constructor(
    private readonly registry: UpstreamRegistry,
    @Inject(SETTINGS) private readonly config: Settings,
  ) {}

  /** Takes note of a class. What it returns is the class's server: it tells Nest of the path's sockets. */
  addClass(path: string): EventEmitter {
    const server = new EventEmitter();
    this.classes.set(path, server);
    return server;
  }

  /** @throws RouteTableError where a row and its class do not find each other */
  onApplicationBootstrap(): void {
    const lonely = new Set(this.classes.keys());
    for (const row of this.registry.routes) {
      const { path, rewrite, websocket } = row.options;
      if (!websocket) continue;
      const named = this.classes.has(path) ? path : (rewrite ?? path);
      const server = this.classes.get(named);
      if (!server) {
        throw new RouteTableError(`No @WebSocketGateway() class names ${path} (${row.upstream})`);
      }
      lonely.delete(named);
      this.routes.set(row, new WebSocketRoute(row, server, this.config.websocket));
    }
    const [path] = lonely;
    if (path !== undefined)
      throw new RouteTableError(`@WebSocketGateway() names ${path}, which no WebSocket row has`);
  }

  /** The route of a request target; undefined where it is no WebSocket's. */
  find(target: string): WebSocketRoute | undefined {
    const row = this.registry.find(pathOf(target))?.byMethod.get('GET');
    return row && this.routes.get(row);
  }

  /** Whether a request asks for a WebSocket where there is one; any other `Upgrade` is ignored (RFC 9110, section 7.8). */
  isUpgrade({ method, url, headers }: IncomingMessage): boolean {
    return method === 'GET' && asksForWebSocket(headers.upgrade) && this.find(url!) !== undefined;
  }
}
