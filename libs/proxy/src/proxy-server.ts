import { createProxyMiddleware, type Plugin } from 'http-proxy-middleware';
import { exchangeOf } from './http/exchange.js';

/** The server of an `http-proxy-middleware`. */
export type ProxyServer = Parameters<Plugin>[0];

/** `web()` must return a promise. One for all calls: the forward reports its end by itself. */
const FORWARDING = Promise.resolve();

/** The server of an `http-proxy-middleware` that forwards every request by its exchange. */
export function createServer(name: string): ProxyServer {
  let created!: ProxyServer;
  createProxyMiddleware({
    // Required and never used: the plugin sends every request to an instance.
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
