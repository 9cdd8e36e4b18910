import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { HOST } from './gateway.mjs';
import { signToken } from './token.mjs';

/** Between two requests of one client, where answers come in time. */
const PERIOD_MS = 30;
const WRITES = 0.2;
/** Longer than any clock of the gateway: whoever waits for so long gets no answer. */
const PATIENCE_MS = 15_000;

let lastNumber = 0;

/** Clients that ask at a constant rate, each one request at a time over a connection that it keeps, and remember all. */
export class Load {
  records = [];
  #isOver = false;
  #agent = new Agent({ keepAlive: true });
  #authorization = `Bearer ${signToken()}`;
  #clients;

  /** @param clients how many */
  constructor(port, clients) {
    this.port = port;
    this.#clients = Array.from({ length: clients }, (_, index) => this.#run((index * PERIOD_MS) / clients));
  }

  /** Resolves once every request that was sent has ended. */
  async stop() {
    this.#isOver = true;
    await Promise.all(this.#clients);
    this.#agent.destroy();
  }

  async #run(afterMs) {
    await delay(afterMs);
    while (!this.#isOver) {
      const startedAt = performance.now();
      const record = { n: ++lastNumber, isWrite: Math.random() < WRITES, startedAt };
      this.records.push(record);
      Object.assign(record, await this.#ask(record));
      record.endedAt = performance.now();
      const restMs = startedAt + PERIOD_MS - record.endedAt;
      if (restMs > 0) await delay(restMs);
    }
  }

  /** Resolves with `status` and what a whole answer had, or with `lost`: why there was none. */
  #ask({ n, isWrite }) {
    const body = isWrite ? JSON.stringify({ n }) : undefined;
    const headers = { authorization: this.#authorization };
    if (body) Object.assign(headers, { 'content-type': 'application/json', 'content-length': body.length });
    const { promise, resolve } = Promise.withResolvers();
    const outgoing = request({
      host: HOST,
      port: this.port,
      agent: this.#agent,
      method: isWrite ? 'POST' : 'GET',
      path: isWrite ? '/v1/messages' : `/v1/messages?n=${n}`,
      headers,
    });
    const timer = setTimeout(() => {
      resolve({ lost: 'no answer' });
      outgoing.destroy();
    }, PATIENCE_MS);
    outgoing.on('error', (error) => resolve({ lost: error.code ?? error.message }));
    outgoing.on('response', (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', () => resolve({ lost: 'truncated' }));
      response.on('end', () => resolve(answerOf(response, chunks, n)));
    });
    outgoing.end(body);
    return promise.finally(() => clearTimeout(timer));
  }
}

function answerOf({ statusCode, headers, complete }, chunks, n) {
  if (!complete) return { lost: 'truncated' };
  if (statusCode === 200 && !isOf(n, chunks)) return { lost: 'another answer' };
  return {
    status: statusCode,
    /** The service's answer; without it the gateway's own. */
    instance: headers['x-instance'],
    code: headers['x-gateway-error'],
    requestId: headers['x-request-id'],
  };
}

function isOf(n, chunks) {
  try {
    const answer = JSON.parse(Buffer.concat(chunks));
    return answer.n === n && answer.filler.length > 0;
  } catch {
    return false;
  }
}
