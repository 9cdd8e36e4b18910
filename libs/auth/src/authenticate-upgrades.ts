import { ServerResponse, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { HttpException, Logger, type INestApplication } from '@nestjs/common';
import { Authenticator } from './authenticator.js';
import { moveToken } from './handshake-token.js';

/** Options of `authenticateUpgrades`. */
export interface UpgradeOptions {
  /** Whether a handshake needs no token. If it throws, the handshake gets 500. Default: every handshake needs one. */
  readonly isOpen?: (request: IncomingMessage) => boolean;
}

type Upgrade = readonly [request: IncomingMessage, socket: Socket, head: Buffer];

const logger = new Logger('Upgrade');

/**
 * Lets WebSockets open in any Nest application only with a valid access token, by the rules of `AuthGuard`. A handshake without
 * one gets its 401 in place of the 101, so that no socket exists for it; with the adapters of `@nestjs/platform-ws` and
 * `@nestjs/platform-socket.io`, and any other that listens to the server's `upgrade`. The token comes as `Authorization`,
 * `?access_token=`, `?token=`, or as a subprotocol `bearer.TOKEN`; from the last three places it is removed.
 *
 * ```ts
 * const app = await NestFactory.create(AppModule); // imports AuthModule
 * app.useWebSocketAdapter(new WsAdapter(app));
 * authenticateUpgrades(app);
 * ```
 *
 * `principalOf(request)` has the principal: `handleConnection(client, request)` of platform-ws gets the request, and
 * `client.request` of socket.io is it. Socket.IO opens sockets by plain requests too, which are not checked: its gateways need
 * `transports: ['websocket']`. A gateway with a port of its own is not checked. The token is checked once: a socket outlives it,
 * unless the application closes it at `principal.expiresAt`.
 *
 * Not needed in an application of `GatewayModule`, whose gates check handshakes.
 *
 * @throws Error of Nest if no module imports `AuthModule`
 */
export function authenticateUpgrades(
  app: INestApplication,
  { isOpen = () => false }: UpgradeOptions = {},
): void {
  const server = app.getHttpServer() as Server;
  const authenticator = app.get(Authenticator, { strict: false });
  const emit = server.emit.bind(server) as (event: string | symbol, ...parameters: unknown[]) => boolean;
  const check = (upgrade: Upgrade): void => {
    const [request, socket] = upgrade;
    const authenticate = (): void | Promise<void> => {
      if (isOpen(request)) return;
      moveToken(request);
      return authenticator.authenticateRequest(request);
    };
    const pass = (): void => void (socket.destroyed || emit('upgrade', ...upgrade));
    decide(upgrade, authenticate, pass);
  };
  // Not a listener: Node calls all of them, and adapters add theirs later.
  server.emit = (event: string | symbol, ...parameters: unknown[]): boolean => {
    if (event !== 'upgrade') return emit(event, ...parameters);
    check(parameters as unknown as Upgrade);
    return true;
  };
}

/** Passes a handshake on or refuses it: at once, unless revocations are looked up. */
function decide(
  [request, socket]: Upgrade,
  authenticate: () => void | Promise<void>,
  pass: () => void,
): void {
  let pending: void | Promise<void>;
  try {
    pending = authenticate();
  } catch (error) {
    return refuse(request, socket, error);
  }
  if (!pending) return pass();
  // Node has removed its own listeners.
  socket.on('error', destroySocket);
  const passLater = (): void => {
    socket.off('error', destroySocket);
    pass();
  };
  pending.then(passLater, (error: unknown) => refuse(request, socket, error));
}

/** Sends `{"error": MESSAGE}` with the status of the exception, and closes the connection. */
function refuse(request: IncomingMessage, socket: Socket, thrown: unknown): void {
  const isExpected = thrown instanceof HttpException;
  if (!isExpected) logger.error({ message: 'handshake failed', err: thrown });
  const status = isExpected ? thrown.getStatus() : 500;
  const body = JSON.stringify(isExpected ? thrown.getResponse() : { error: 'Internal server error' });
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  socket.on('error', destroySocket);
  response.assignSocket(socket);
  response.once('finish', () => socket.destroySoon());
  response.writeHead(status, [
    ...((thrown as { readonly headers?: readonly string[] }).headers ?? []),
    'Content-Type',
    'application/json; charset=utf-8',
    'Content-Length',
    String(Buffer.byteLength(body)),
  ]);
  response.end(body);
}

function destroySocket(this: Socket): void {
  this.destroy();
}
