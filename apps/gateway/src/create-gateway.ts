import type { AddressInfo } from 'node:net';
import { type Settings, GatewayHttpAdapter, warningsFor } from '@app/gateway';
import { Logger, type ModuleMetadata } from '@nestjs/common';
import { DiscoveryService, NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { DestinationStream } from 'pino';
import { AppModule } from './app.module.js';
import { createPino, GatewayLogger } from './observability/gateway-logger.js';
import { LineOutput } from './observability/line-output.js';
import { containFailures, GatewayWebSocketAdapter } from './websocket/gateway-websocket.adapter.js';
import { WebSocketRoutes } from './websocket/websocket-routes.js';

const STANDARD_OUTPUT = 1;

export interface GatewayExtras {
  /** Modules in addition to those of `app.module.ts`. Default: none. */
  readonly modules?: NonNullable<ModuleMetadata['imports']>;
  /** Destination of log lines. Default: standard output. */
  readonly logs?: DestinationStream;
}

/** Reasons why the gateway cannot listen, by the system's error code. */
const LISTEN_PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use',
  EACCES: 'the process has no right to the port',
  EADDRNOTAVAIL: 'this machine does not have the address',
  ENOTFOUND: 'the host has no address',
};

/** The gateway cannot listen on the host and port of its settings. The message is complete without a stack trace. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/** Makes the gateway listen, and logs the address and port. @throws ListenError if it cannot listen */
export async function listen(app: NestExpressApplication, { host, port }: Settings): Promise<void> {
  try {
    await app.listen(port, host);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    const problem = LISTEN_PROBLEMS[code] ?? message;
    throw new ListenError(`The gateway cannot listen on port ${port} of ${host}: ${problem} (${code})`, {
      cause: error,
    });
  }
  const address = app.getHttpServer().address() as AddressInfo;
  new Logger('Gateway').log({ message: 'listening', host: address.address, port: address.port });
}

/** Creates the gateway, ready to listen. @throws RouteTableError, UpstreamError if routes or upstreams are invalid */
export async function createGateway(
  config: Settings,
  { modules = [], logs = new LineOutput(STANDARD_OUTPUT) }: GatewayExtras = {},
): Promise<NestExpressApplication> {
  const pino = createPino(config, logs);
  const http = new GatewayHttpAdapter(config.server);
  const app = await NestFactory.create<NestExpressApplication>(
    AppModule.with(config, { pino, lines: logs }, modules),
    http,
    // Without `bodyParser`, bodies pass unchanged. Without `abortOnError`, the caller decides how a failed boot ends.
    { bodyParser: false, abortOnError: false, logger: new GatewayLogger(pino) },
  );
  containFailures(app.get(DiscoveryService));
  app.useWebSocketAdapter(new GatewayWebSocketAdapter(http, app.get(WebSocketRoutes)));
  try {
    await app.init();
  } catch (error) {
    // Open connections, such as the one to Redis, would keep the process running.
    await app.close();
    throw error;
  }
  for (const warning of warningsFor(config)) {
    new Logger('Gateway').warn({ message: 'incompatible settings', ...warning });
  }
  return app;
}
