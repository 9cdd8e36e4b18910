// The service behind every target, as a process. Its responses are bytes made in advance, written by a server that knows only
// the part of HTTP that the bench uses: Node's own server would take most of the time that is measured.
import { createServer } from 'node:net';
import { WebSocketServer } from 'ws';
import { bodyOf, EVENTS_PER_SECOND, EVENT_BYTES, PATHS, eventAt, nowUs } from './bodies.mjs';
import { HOSTS } from './hosts.mjs';

const [HOST] = HOSTS;
const BACKLOG = 4_096;

/** Responses by path, each made once. */
const responses = new Map();

/** Without X-Accel-Buffering, nginx would buffer the events. */
const EVENTS_HEAD =
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\nX-Accel-Buffering: no\r\n\r\n';

const NOT_FOUND = 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n';

const listeners = new Set();
let lastHead = '';

function responseTo(path) {
  const known = responses.get(path);
  if (known) return known;
  const body = bodyOf(path);
  if (!body) return NOT_FOUND;
  const response = createResponse(body);
  responses.set(path, response);
  return response;
}

function createResponse(body) {
  const head = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

/** One connection; its requests come one after the other, each with a length or without a body. */
class Connection {
  head = '';
  bodyLeft = 0;

  constructor(socket) {
    this.socket = socket;
    socket.setNoDelay();
    socket.on('data', (chunk) => this.read(chunk));
    socket.on('error', () => {});
    socket.on('close', () => listeners.delete(socket));
  }

  read(chunk) {
    if (this.bodyLeft > 0) {
      this.readBody(chunk.length);
      return;
    }
    this.head += chunk.latin1Slice();
    const end = this.head.indexOf('\r\n\r\n');
    if (end === -1) return;
    const body = this.head.length - end - 4;
    this.head = this.head.slice(0, end);
    if (/\r\ntransfer-encoding:/i.test(this.head)) {
      this.socket.end('HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    this.bodyLeft = Number(/\r\ncontent-length: *(\d+)/i.exec(this.head)?.[1] ?? 0);
    if (this.bodyLeft === 0) this.respond();
    else this.readBody(body);
  }

  readBody(bytes) {
    this.bodyLeft -= bytes;
    if (this.bodyLeft === 0) this.respond();
  }

  respond() {
    const { head, socket } = this;
    this.head = '';
    const path = head.slice(head.indexOf(' ') + 1, head.indexOf(' HTTP/'));
    // The bench checks its own requests, not health checks.
    if (path !== '/health') lastHead = head;
    if (path === PATHS.events) {
      socket.write(EVENTS_HEAD);
      listeners.add(socket);
    } else {
      socket.write(responseTo(path));
    }
  }
}

function publish() {
  const chunk = `${EVENT_BYTES.toString(16)}\r\n${eventAt(nowUs())}\r\n`;
  for (const socket of listeners) socket.write(chunk);
}

const http = createServer((socket) => new Connection(socket));
const webSockets = new WebSocketServer({ host: HOST, port: 0, backlog: BACKLOG, perMessageDeflate: false });
webSockets.on('connection', (socket, { rawHeaders }) => {
  lastHead = rawHeaders.join('\r\n');
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.on('error', () => {});
});

// Every message is the command for the head of the last request.
process.on('message', () => process.send({ head: lastHead }));
process.on('disconnect', () => process.exit());
http.listen({ host: HOST, port: 0, backlog: BACKLOG }, () => {
  const { port } = http.address();
  for (const host of HOSTS.slice(1)) {
    createServer((socket) => new Connection(socket)).listen({ host, port, backlog: BACKLOG });
  }
  setInterval(publish, 1_000 / EVENTS_PER_SECOND);
  process.send({ http: port, websocket: webSockets.address().port });
});
