// The least that relays WebSockets: `ws` on both sides; no gates, no limits, no timeouts, no counts.
import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';

const { PORT, SERVICE } = process.env;
const ORIGIN = SERVICE.replace('http:', 'ws:');
const BACKLOG = 4_096;

const server = new WebSocketServer({
  host: '127.0.0.1',
  port: Number(PORT),
  backlog: BACKLOG,
  perMessageDeflate: false,
});
server.on('connection', (client, { url, headers, socket }) => {
  const { authorization, 'x-bench': mark = '' } = headers;
  const service = new WebSocket(`${ORIGIN}${url}`, {
    headers: { authorization, 'x-bench': mark, 'x-forwarded-for': socket.remoteAddress },
    perMessageDeflate: false,
  });
  client.pause();
  service.once('open', () => client.resume());
  join(client, service);
  join(service, client);
});
await once(server, 'listening');

function join(from, to) {
  from.on('message', (data, isBinary) => to.send(data, { binary: isBinary }));
  from.on('close', () => to.close());
  from.on('error', () => to.terminate());
}
