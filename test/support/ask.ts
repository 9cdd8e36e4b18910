import { request, type IncomingHttpHeaders } from 'node:http';
import { bodyOf } from './service.js';

export interface Question {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The client's own address: any of 127.0.0.0/8. */
  readonly from?: string;
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends one request over a new connection. */
export async function ask(
  { port }: { readonly port: number },
  { method = 'GET', path = '/', headers = {}, body, from = '127.0.0.1' }: Question = {},
): Promise<Answered> {
  const { promise, resolve, reject } = Promise.withResolvers<Answered>();
  const outgoing = request(
    { host: '127.0.0.1', port, method, path, headers, localAddress: from, agent: false },
    (response) => {
      bodyOf(response).then(
        (text) => resolve({ status: response.statusCode!, headers: response.headers, body: text }),
        reject,
      );
    },
  );
  outgoing.on('error', reject).end(body);
  return promise;
}
