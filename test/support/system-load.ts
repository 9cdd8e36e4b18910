import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { createConversation } from './conversation.js';
import { keptMessages } from './kept-messages.js';
import type { ServiceName } from './system.js';

const CALLEE = randomUUID();

/** Milliseconds between two requests of a client, so that restarting processes get their share of the machine. */
const PAUSE_MS = 10;

/** The requests to each service. `n` is unique. */
const QUESTIONS: Readonly<
  Record<ServiceName, (n: number, conversation: string) => readonly [string, string, object?]>
> = {
  auth: () => ['GET', '/v1/conversations'],
  chat: (n, conversation) => [
    'POST',
    '/v1/messages',
    { conversation_id: conversation, content: `message ${n}` },
  ],
  video: () => ['POST', '/v1/calls/initiate', { callee_ids: [CALLEE], type: 'video' }],
  storage: () => ['GET', '/v1/storage/quota'],
};

export const SERVICE_NAMES = Object.keys(QUESTIONS) as ServiceName[];

/** Two clients of each service. Each sends one request after the other until it is ended. */
export async function loadSystem(port: number) {
  const agent = new Agent({ keepAlive: true });
  const answers = new Map<string, number>();
  const conversation = await createConversation(port);
  const { headers } = conversation;
  const over = new AbortController();
  const answered = new EventEmitter();
  let last = 0;
  const written: string[] = [];

  /** Like every client, repeats a GET if its keep-alive connection was closed meanwhile (RFC 9112, section 9.3.1). */
  const ask = ([method, path, body]: readonly [string, string, object?]) =>
    new Promise<string>((resolve) => {
      const text = body && JSON.stringify(body);
      const type = text
        ? { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }
        : {};
      // Requests that must not be repeated use a new connection.
      const options = {
        host: '127.0.0.1',
        port,
        agent: method === 'GET' && agent,
        method,
        path,
        headers: { ...headers, ...type },
      };
      const asking = request(options, (response) => {
        response
          .on('error', () => {})
          .on('close', () => {
            resolve(response.complete ? String(response.statusCode) : 'broken');
          });
        response.resume();
      });
      asking
        .on('error', (error) => {
          const isStale = method === 'GET' && asking.reusedSocket && error.message === 'socket hang up';
          resolve(isStale ? ask([method, path]) : error.message);
        })
        .end(text);
    });

  const client = async (name: ServiceName): Promise<void> => {
    while (!over.signal.aborted) {
      const question = QUESTIONS[name](++last, conversation.id);
      const answer = `${name} ${await ask(question)}`;
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
      const { content } = (question[2] ?? {}) as { content?: string };
      if (answer === 'chat 201' && content) written.push(content);
      answered.emit('answer');
      await delay(PAUSE_MS);
    }
  };
  const clients = SERVICE_NAMES.flatMap((name) => Array.from({ length: 2 }, () => client(name)));
  const count = (name: ServiceName): number =>
    [...answers].reduce((sum, [answer, times]) => sum + (answer.startsWith(name) ? times : 0), 0);
  return {
    /** Messages that were acknowledged and are not stored exactly once. */
    async notKeptOnce(): Promise<string[]> {
      const kept = await keptMessages(port, conversation);
      return written.filter((content) => kept.get(content) !== 1);
    },
    /** Waits until the service has responded to so many more requests. */
    async more(name: ServiceName, requests: number): Promise<void> {
      for (const enough = count(name) + requests; count(name) < enough;) await once(answered, 'answer');
    },
    /** The number of each response of each service. */
    async end(): Promise<Record<string, number>> {
      over.abort();
      await Promise.all(clients);
      agent.destroy();
      return Object.fromEntries(answers);
    },
  };
}
