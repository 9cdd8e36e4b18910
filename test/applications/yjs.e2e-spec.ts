import { Upstream } from '@app/proxy';
import { Module } from '@nestjs/common';
import { docs, setupWSConnection } from '@y/websocket-server/utils';
import { WebSocket, WebSocketServer } from 'ws';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { accessClaims, signToken, startGateway, type RunningGateway } from '../support/gateway.js';
import { nextEvent } from '../support/next-event.js';
import { startService } from '../support/service.js';

@Upstream({
  name: 'documents-service',
  instances: ['http://127.0.0.1:1234'],
  routes: [
    { methods: ['GET'], path: '/documents/:room', strip: '/documents', websocket: { closesAtExpiry: false } },
  ],
})
class DocumentsUpstream {}

@Module({ providers: [DocumentsUpstream] })
class DocumentsModule {}

/** The server of y-websocket: its rooms are named by the path. */
async function startDocuments(): Promise<
  { readonly url: string; readonly paths: string[] } & AsyncDisposable
> {
  const service = await startService((_request, response) => response.writeHead(404).end());
  const sockets = new WebSocketServer({ server: service.server });
  const paths: string[] = [];
  sockets.on('connection', (socket, request) => {
    paths.push(request.url!);
    setupWSConnection(socket, request);
  });
  return {
    url: service.url,
    paths,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.clients) socket.terminate();
      for (const doc of docs.values()) doc.destroy();
      await service[Symbol.asyncDispose]();
    },
  };
}

const startDocumentsGateway = (url: string): Promise<RunningGateway> =>
  startGateway({ modules: [DocumentsModule], env: { DOCUMENTS_SERVICE_URL: url } });

/** A copy of the document of a room, as one person has it. The token is in the query, as browsers must send it. */
function open({ url }: RunningGateway, room: string): WebsocketProvider & Disposable {
  const provider = new WebsocketProvider(`${url.replace('http', 'ws')}/documents`, room, new Y.Doc(), {
    params: { token: signToken(accessClaims()) },
    WebSocketPolyfill: WebSocket as never,
    disableBc: true,
  });
  return Object.assign(provider, {
    [Symbol.dispose]() {
      provider.destroy();
      provider.doc.destroy();
    },
  });
}

const textOf = ({ doc }: WebsocketProvider): Y.Text => doc.getText('text');

/** Resolves when a copy has a text. */
async function reads(provider: WebsocketProvider, text: string): Promise<void> {
  while (textOf(provider).toJSON() !== text) {
    await nextEvent(provider.doc, 'update');
  }
}

describe('yjs', () => {
  it('merges what two people write, and shows each the other', async () => {
    await using service = await startDocuments();
    await using gateway = await startDocumentsGateway(service.url);
    using ada = open(gateway, 'notes');
    using bob = open(gateway, 'notes');
    await Promise.all([nextEvent(ada, 'sync'), nextEvent(bob, 'sync')]);

    textOf(ada).insert(0, 'Hello ');
    await reads(bob, 'Hello ');
    textOf(bob).insert(6, 'world');
    await reads(ada, 'Hello world');
    const seen = nextEvent(bob.awareness, 'change');
    ada.awareness.setLocalState({ cursor: 3 });
    await seen;

    expect(bob.awareness.getStates().get(ada.doc.clientID)).toEqual({ cursor: 3 });
    expect(service.paths).toEqual(['/notes', '/notes']);
  });

  it('carries a document that is larger than a frame', async () => {
    await using service = await startDocuments();
    await using gateway = await startDocumentsGateway(service.url);
    using ada = open(gateway, 'novel');
    await nextEvent(ada, 'sync');
    const text = 'x'.repeat(500_000);
    textOf(ada).insert(0, text);

    using bob = open(gateway, 'novel');

    await reads(bob, text);
  });
});
