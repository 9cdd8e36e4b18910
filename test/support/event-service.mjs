// A service of event streams, as a process that may be killed at any moment. Every instance has the same events, as a service with
// a database: event n is there from BASE_MS + n * PERIOD_MS on. Each is sent in two parts, so that a kill may cut it.
import { createServer } from 'node:http';

const { PORT, BASE_MS, PERIOD_MS } = process.env;
const HALF_MS = 5;
const responses = new Set();

let isEnding = false;

function exitIfDone() {
  if (isEnding && responses.size === 0) setImmediate(() => process.exit());
}

const partsOf = (n) => [`id: ${n}\ndata: ev`, `ent ${n}\n\n`];

class Stream {
  #response;
  #next;
  #timer;
  isEnding = false;

  constructor(response, lastEventId) {
    this.#response = response;
    this.#next = lastEventId + 1;
    response.once('close', () => {
      clearTimeout(this.#timer);
      responses.delete(this);
      exitIfDone();
    });
    responses.add(this);
    this.#wait();
  }

  #wait() {
    if (this.isEnding) {
      this.#response.end();
      return;
    }
    const dueMs = Number(BASE_MS) + this.#next * Number(PERIOD_MS) - Date.now();
    this.#timer = setTimeout(() => this.#begin(), Math.max(0, dueMs));
  }

  #begin() {
    const [first, second] = partsOf(this.#next++);
    this.#response.write(first);
    this.#timer = setTimeout(() => {
      this.#response.write(second);
      this.#wait();
    }, HALF_MS);
  }
}

const server = createServer((request, response) => {
  if (request.url === '/health') {
    response.end('ok');
    return;
  }
  response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders();
  void new Stream(response, Number(request.headers['last-event-id'] ?? 0));
});
server.listen(Number(PORT), '127.0.0.1', 4_096, () => process.stdout.write('listening\n'));

/** Ends each stream behind its next event. */
process.once('SIGTERM', () => {
  isEnding = true;
  server.close();
  exitIfDone();
  for (const stream of responses) stream.isEnding = true;
});
