import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { SETTINGS, type Settings } from '../settings/complete-settings.js';
import {
  pathOf,
  RouteTableConfigurationError,
  UpstreamRegistry,
  type CompiledRoute,
} from '@app/proxy/internal';
import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { asksForWebSocket } from './handshake/client-handshake.js';
import { WebSocketRoute } from './handshake/websocket-route.js';

/**
 * The WebSocket routes of all upstreams. A `@WebSocketGateway()` class that names the path of a route, or the path that
 * the route is rewritten to, gets the route's sockets.
 */
@Injectable()
export class WebSocketRoutes implements OnApplicationBootstrap {
  private readonly classes = new Map<string, EventEmitter>();
  private readonly routes = new Map<CompiledRoute, WebSocketRoute>();
  private registry!: UpstreamRegistry;

  constructor(
    private readonly moduleRef: ModuleRef,
    @Inject(SETTINGS) private readonly config: Settings,
  ) {}

  /** Adds a class by its path. @returns the class's server, which emits the path's sockets to Nest */
  addClass(path: string): EventEmitter {
    const server = new EventEmitter();
    this.classes.set(path, server);
    return server;
  }

  /** @throws RouteTableConfigurationError if a class names a path without a WebSocket route, or a route's policy is invalid */
  onApplicationBootstrap(): void {
    this.registry = this.moduleRef.get(UpstreamRegistry, { strict: false });
    const lonely = new Set(this.classes.keys());
    for (const route of this.registry.routes) {
      const { path, rewrite, websocket } = route.options;
      if (!websocket || !route.proxy) continue;
      const named = this.classes.has(path) ? path : (rewrite ?? path);
      lonely.delete(named);
      this.routes.set(route, new WebSocketRoute(route, this.classes.get(named), this.config.websocket));
    }
    // The class of an optional upstream is as absent as its route.
    for (const { path, rewrite = path, websocket } of this.registry.absent.flatMap(({ routes }) => routes)) {
      if (websocket) lonely.delete(lonely.has(path) ? path : rewrite);
    }
    const [path] = lonely;
    if (path !== undefined)
      throw new RouteTableConfigurationError(
        `@WebSocketGateway() names ${path}, which no WebSocket route has`,
      );
  }

  /**
   * The WebSocket route of a request. Undefined if the request asks for no WebSocket or has no such route: Node then
   * ignores its `Upgrade` (RFC 9110, section 7.8).
   */
  find({ method, url, headers }: IncomingMessage): WebSocketRoute | undefined {
    if (method !== 'GET' || !asksForWebSocket(headers.upgrade)) return undefined;
    const route = this.registry.find(pathOf(url!))?.websocket;
    return route && this.routes.get(route);
  }
}
