import { createProxyMiddleware, type Plugin } from 'http-proxy-middleware';
import { exchangeOf } from './http/exchange.js';

/** What `http-proxy-middleware` calls its server. */
export type ProxyServer = Parameters<Plugin>[0];

/** `web()` must return a promise; the forward reports by itself, so one serves for all. */
const FORWARDING = Promise.resolve();

/** The server of an `http-proxy-middleware` that forwards every request by its exchange. */
export function createServer(name: string): ProxyServer {
  let created!: ProxyServer;
  createProxyMiddleware({
    // Never asked, since the plugin takes every request to an instance.
    target: { protocol: 'http:', host: name },
    ejectPlugins: true,
    plugins: [
      (server) => {
        server.web = (request) => {
          exchangeOf(request)!.forward!.start();
          return FORWARDING;
        };
        created = server;
      },
    ],
  });
  return created;
}
