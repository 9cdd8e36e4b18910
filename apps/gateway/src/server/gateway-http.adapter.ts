import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { ServerConfig } from '../config/gateway-config.js';

/**
 * Express on a server with the gateway's clocks and limits: Nest passes none of Node's server options on.
 */
export class GatewayHttpAdapter extends ExpressAdapter {
  constructor(private readonly config: ServerConfig) {
    super();
    // Each is work for every response that a proxy must not do: the service says who it is and what has changed.
    this.disable('x-powered-by');
    this.disable('etag');
  }

  override initHttpServer(): void {
    const server = createServer(
      {
        maxHeaderSize: this.config.headerLimitBytes,
        headersTimeout: this.config.headerTimeoutMs,
        keepAliveTimeout: this.config.keepAliveMs,
        // Node's default of 300 s ends long uploads; the proxy watches their rate instead.
        requestTimeout: 0,
        connectionsCheckingInterval: 1_000,
        // The grammar check answers for both of these, in the gateway's own format.
        requireHostHeader: false,
      },
      this.getInstance(),
    );
    server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      waiting.add(request);
      server.emit('request', request, response);
    });
    // Node would answer 417 without a body, an id or a log line; the request context gives all three.
    server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
      server.emit('request', request, response);
    });
    this.httpServer = server as Server & typeof this.httpServer;
  }
}

const waiting = new WeakSet<IncomingMessage>();

/** Whether the client waits for `100 Continue` before it sends its body. */
export function waitsForContinue(request: IncomingMessage): boolean {
  return waiting.has(request);
}
