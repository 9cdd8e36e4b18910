import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { SETTINGS, type Settings } from '@app/gateway';
import { pathOf, RouteTableError, UpstreamRegistry, type ProxyRoute } from '@app/proxy';
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { asksForWebSocket } from './handshake/handshake-request.js';
import { WebSocketRoute } from './handshake/websocket-route.js';

/**
 * The WebSocket routes of all upstreams, each with the `@WebSocketGateway()` class that names its path: a route without its
 * class would have no handlers, and a class without its route no upstream.
 */
@Injectable()
export class WebSocketRoutes implements OnApplicationBootstrap {
  private readonly classes = new Map<string, EventEmitter>();
  private readonly routes = new Map<ProxyRoute, WebSocketRoute>();

  private registry!: UpstreamRegistry;

  constructor(
    private readonly moduleRef: ModuleRef,
    @Inject(SETTINGS) private readonly config: Settings,
  ) {}

  /** Adds a class. @returns the class's server, which tells Nest of the path's sockets */
  addClass(path: string): EventEmitter {
    const server = new EventEmitter();
    this.classes.set(path, server);
    return server;
  }

  /** @throws RouteTableError if a route has no class, or a class no route */
  onApplicationBootstrap(): void {
    this.registry = this.moduleRef.get(UpstreamRegistry, { strict: false });
    const lonely = new Set(this.classes.keys());
    for (const route of this.registry.routes) {
      const { path, rewrite, websocket } = route.options;
      if (!websocket) continue;
      const named = this.classes.has(path) ? path : (rewrite ?? path);
      const server = this.classes.get(named);
      if (!server) {
        throw new RouteTableError(`No @WebSocketGateway() class names ${path} (${route.upstream})`);
      }
      lonely.delete(named);
      this.routes.set(route, new WebSocketRoute(route, server, this.config.websocket));
    }
    const [path] = lonely;
    if (path !== undefined)
      throw new RouteTableError(`@WebSocketGateway() names ${path}, which no WebSocket route has`);
  }

  /** The route of a request target; undefined if it is no WebSocket's. */
  find(target: string): WebSocketRoute | undefined {
    const route = this.registry.find(pathOf(target))?.byMethod.get('GET');
    return route && this.routes.get(route);
  }

  /** Whether a request asks for a WebSocket that there is; any other `Upgrade` is ignored (RFC 9110, section 7.8). */
  isUpgrade({ method, url, headers }: IncomingMessage): boolean {
    return method === 'GET' && asksForWebSocket(headers.upgrade) && this.find(url!) !== undefined;
  }
}
