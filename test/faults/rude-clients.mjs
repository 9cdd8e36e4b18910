import { request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { HOST } from './gateway.mjs';
import { signToken } from './token.mjs';

const PERIOD_MS = 40;
const UPLOAD = Buffer.alloc(64 * 1_024, 'u');
const PATIENCE_MS = 10_000;

/** Clients that leave in the middle of everything, at a constant rate. */
export class RudeClients {
  /** How often each way was gone. */
  counts = {};
  #isOver = false;
  #authorization = `Bearer ${signToken()}`;
  #clients;

  constructor(port, clients) {
    this.port = port;
    this.#clients = Array.from({ length: clients }, (_, index) => this.#run(index));
  }

  async stop() {
    this.#isOver = true;
    await Promise.all(this.#clients);
  }

  async #run(index) {
    const ways = [this.#leaveHeaders, this.#leaveUnanswered, this.#leaveAnswer, this.#leaveUpload];
    for (let turn = index; !this.#isOver; turn++) {
      const way = ways[turn % ways.length];
      await Promise.all([way.call(this), delay(PERIOD_MS)]);
    }
  }

  #count(way) {
    this.counts[way] = (this.counts[way] ?? 0) + 1;
  }

  /** In the middle of the headers. */
  async #leaveHeaders() {
    this.#count('in its headers');
    const socket = connect(this.port, HOST);
    socket.on('error', () => {});
    socket.write(`GET /v1/messages?n=1 HTTP/1.1\r\nHost: gateway\r\nAuthori`);
    await delay(10);
    socket.resetAndDestroy();
  }

  /** After the request, before its answer. */
  async #leaveUnanswered() {
    this.#count('before its answer');
    const outgoing = this.#ask('GET', '/v1/messages?way=wait', {});
    outgoing.end();
    await delay(15);
    outgoing.destroy();
  }

  /** With the first bytes of the answer. */
  async #leaveAnswer() {
    this.#count('in its answer');
    const { promise, resolve } = Promise.withResolvers();
    const outgoing = this.#ask('GET', '/v1/messages?way=read', {});
    outgoing.on('response', (response) => {
      response.on('error', resolve);
      response.once('data', () => outgoing.destroy());
    });
    outgoing.on('close', resolve);
    outgoing.end();
    await promise;
  }

  /** After a part of the upload. */
  async #leaveUpload() {
    this.#count('in its upload');
    const outgoing = this.#ask('POST', '/v1/messages?way=send', { 'content-length': UPLOAD.length * 16 });
    outgoing.write(UPLOAD);
    await delay(10);
    outgoing.destroy();
  }

  #ask(method, path, headers) {
    const outgoing = request({
      host: HOST,
      port: this.port,
      agent: false,
      method,
      path,
      headers: { authorization: this.#authorization, ...headers },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    outgoing.on('error', () => {});
    return outgoing;
  }
}
