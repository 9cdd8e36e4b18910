import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  AuthGuard,
  AuthModule,
  authenticateUpgrades,
  CurrentPrincipal,
  principalOf,
  type Principal,
} from '@app/auth';
import { RevocationStore, type RevocationRedis } from '@app/auth/internal';
import { Controller, Get, Module, UseGuards, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { WebSocketGateway, type OnGatewayConnection } from '@nestjs/websockets';
import { Redis } from 'ioredis';
import { io, type Socket } from 'socket.io-client';
import { WebSocket } from 'ws';
import { accessClaims, bearer, JWT_SECRET, signToken } from '../support/gateway.js';
import { nextEvent } from '../support/next-event.js';
import { RawClient } from '../support/raw-client.js';

const token = (): string => signToken(accessClaims());

/** A Redis that never connects. */
const away: RevocationRedis = {
  client: new Redis({ lazyConnect: true, enableOfflineQueue: false }),
  isReadable: false,
  read: () => Promise.reject(new Error('away')),
};

const auth = AuthModule.forRoot({
  secret: JWT_SECRET,
  audience: 'secureconnect-api',
  issuer: 'secureconnect-auth',
  claims: {
    userId: 'user_id',
    tokenId: 'jti',
    sessionId: 'session_id',
    role: 'role',
    email: 'email',
    username: 'username',
  },
  clockToleranceSeconds: 0,
  cachedTokens: 10,
  revokedTokens: 10,
  redis: away,
});

/** Sends each socket the name of its user. */
@WebSocketGateway({ path: '/chat' })
class ChatGateway implements OnGatewayConnection {
  handleConnection(client: WebSocket, request: IncomingMessage): void {
    client.send(principalOf(request)?.username ?? 'nobody');
  }
}

@WebSocketGateway({ transports: ['websocket'] })
class RoomGateway implements OnGatewayConnection {
  handleConnection(client: {
    readonly request: IncomingMessage;
    emit(event: string, text: string): void;
  }): void {
    client.emit('hello', principalOf(client.request)?.username ?? 'nobody');
  }
}

@Controller()
class MeController {
  @Get('me')
  @UseGuards(AuthGuard)
  read(@CurrentPrincipal() { username }: Principal): string {
    return username;
  }
}

@Module({ imports: [auth], controllers: [MeController], providers: [ChatGateway] })
class ChatModule {}

@Module({ imports: [auth], providers: [RoomGateway] })
class RoomModule {}

/** A Nest application without the gateway. */
async function start(
  root: typeof ChatModule | typeof RoomModule,
  prepare: (app: INestApplication) => void,
): Promise<{ readonly app: INestApplication; readonly port: number } & AsyncDisposable> {
  const app = await NestFactory.create(root, { logger: false });
  prepare(app);
  await app.listen(0, '127.0.0.1');
  const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
  return { app, port, [Symbol.asyncDispose]: () => app.close() };
}

const startChat = (options: Parameters<typeof authenticateUpgrades>[1] = {}) =>
  start(ChatModule, (app) => {
    // Before the adapter too, since it adds its listener later.
    authenticateUpgrades(app, options);
    app.useWebSocketAdapter(new WsAdapter(app));
  });

/** The first message of a WebSocket. */
async function greetingOf(socket: WebSocket): Promise<string> {
  const [message] = await nextEvent(socket, 'message');
  socket.terminate();
  return (message as Buffer).toString();
}

/** The whole response to a handshake. */
async function shake(port: number, headers = '', path = '/chat'): Promise<string> {
  await using client = await RawClient.connect(port);
  client.write(
    `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
      `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${headers}\r\n`,
  );
  return (await client.ended()).text;
}

describe('authenticateUpgrades, with @nestjs/platform-ws', () => {
  it('lets a handshake with a token pass, and sets its principal', async () => {
    await using chat = await startChat();
    const url = `ws://127.0.0.1:${chat.port}/chat`;

    expect(await greetingOf(new WebSocket(url, { headers: bearer() }))).toBe('ada');
    expect(await greetingOf(new WebSocket(`${url}?access_token=${token()}`))).toBe('ada');
    expect(await greetingOf(new WebSocket(url, ['chat', `bearer.${token()}`]))).toBe('ada');
  });

  it.each([
    ['no token', '', 'Bearer', 'Authorization header required'],
    [
      'another scheme',
      'Authorization: Basic YTpi\r\n',
      'Bearer error="invalid_token"',
      'Invalid authorization',
    ],
    ['no valid token', 'Authorization: Bearer a.b.c\r\n', 'Bearer error="invalid_token"', 'Invalid token'],
  ])('refuses a handshake with %s before its 101', async (_fault, header, challenge, message) => {
    await using chat = await startChat();

    const text = await shake(chat.port, header);

    expect(text).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/);
    expect(text).toContain(`\r\nWWW-Authenticate: ${challenge}\r\n`);
    expect(text).toContain('\r\nConnection: close\r\n');
    expect(text).toMatch(new RegExp(`\\r\\n\\r\\n\\{"error":"${message}[^"]*"\\}$`));
  });

  it('refuses a revoked token, also if the lookup takes its time', async () => {
    await using chat = await startChat();
    const lookup = Promise.withResolvers<boolean>();
    const asked = Promise.withResolvers<void>();
    jest.spyOn(chat.app.get(RevocationStore), 'isRevokedPrincipal').mockImplementation(() => {
      asked.resolve();
      return lookup.promise;
    });
    const refused = shake(chat.port, `Authorization: ${bearer().Authorization}\r\n`);
    await asked.promise;

    lookup.resolve(true);

    expect(await refused).toMatch(/^HTTP\/1\.1 401 .+"Token revoked"\}$/s);
  });

  it('responds 500 if the lookup fails, and shows nothing of it', async () => {
    await using chat = await startChat();
    const failed = Promise.reject(new Error('redis://secret'));
    jest.spyOn(chat.app.get(RevocationStore), 'isRevokedPrincipal').mockReturnValue(failed);

    const text = await shake(chat.port, `Authorization: ${bearer().Authorization}\r\n`);

    expect(text).toMatch(/^HTTP\/1\.1 500 .+\{"error":"Internal server error"\}$/s);
  });

  it('survives a client that leaves during the lookup', async () => {
    await using chat = await startChat();
    const lookup = Promise.withResolvers<boolean>();
    const asked = Promise.withResolvers<void>();
    jest.spyOn(chat.app.get(RevocationStore), 'isRevokedPrincipal').mockImplementationOnce(() => {
      asked.resolve();
      return lookup.promise;
    });
    const socket = new WebSocket(`ws://127.0.0.1:${chat.port}/chat`, { headers: bearer() });
    socket.on('error', () => {});
    await asked.promise;
    socket.terminate();
    await nextEvent(socket, 'close');

    lookup.resolve(false);

    const url = `ws://127.0.0.1:${chat.port}/chat`;
    expect(await greetingOf(new WebSocket(url, { headers: bearer() }))).toBe('ada');
  });

  it('lets the handshakes pass that need no token', async () => {
    await using chat = await startChat({ isOpen: ({ url }) => url === '/chat?guest' });

    expect(await greetingOf(new WebSocket(`ws://127.0.0.1:${chat.port}/chat?guest`))).toBe('nobody');
    expect(await shake(chat.port)).toMatch(/^HTTP\/1\.1 401 /);
  });

  it('responds 500 if the choice of open handshakes throws', async () => {
    await using chat = await startChat({
      isOpen: () => {
        throw new Error('broken');
      },
    });

    expect(await shake(chat.port)).toMatch(/^HTTP\/1\.1 500 /);
  });

  it('leaves requests to AuthGuard, which needs no gateway either', async () => {
    await using chat = await startChat();
    const url = `http://127.0.0.1:${chat.port}/me`;

    expect(await (await fetch(url, { headers: bearer() })).text()).toBe('ada');
    expect((await fetch(url)).status).toBe(401);
  });
});

describe('authenticateUpgrades, with @nestjs/platform-socket.io', () => {
  const startRoom = () =>
    start(RoomModule, (app) => {
      app.useWebSocketAdapter(new IoAdapter(app));
      authenticateUpgrades(app);
    });

  const connect = (port: number, extraHeaders: Record<string, string> = {}): Socket =>
    io(`http://127.0.0.1:${port}`, { transports: ['websocket'], extraHeaders, reconnection: false });

  it('lets a handshake with a token pass, and refuses one without', async () => {
    await using room = await startRoom();
    const accepted = connect(room.port, bearer());
    const { promise: greeted, resolve: greet } = Promise.withResolvers<string>();
    accepted.on('hello', greet);
    const refused = connect(room.port);
    const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
    refused.on('connect_error', fail);

    expect(await greeted).toBe('ada');
    expect(await failed).toMatchObject({ message: 'websocket error' });
    accepted.disconnect();
    refused.disconnect();
    expect(await shake(room.port, '', '/socket.io/?EIO=4&transport=websocket')).toMatch(/^HTTP\/1\.1 401 /);
  });
});
