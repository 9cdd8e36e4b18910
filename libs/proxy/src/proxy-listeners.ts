import { validateHeaderName, validateHeaderValue } from 'node:http';
import { Logger } from '@nestjs/common';
import type { Plugin } from 'http-proxy-middleware';
import type { ProxyException } from './http/exceptions.js';
import { ProxyListenerException } from './http/team-code-exceptions.js';
import type { Exchange } from './http/exchange.js';
import { CONNECTION_FIELDS } from './transport/field-names.js';
import { isBodiless, type ResponseHead } from './transport/response-head.js';

/** The server of an `http-proxy-middleware`, which emits its events. */
export type ProxyServer = Parameters<Plugin>[0];

type EventName = 'proxyReq' | 'proxyRes' | 'error';

/** Names that no listener may change: the gateway alone writes them. */
const FIXED: ReadonlySet<string> = new Set([...CONNECTION_FIELDS, 'expect']);

/**
 * Calls the listeners of http-proxy-middleware's events `proxyReq`, `proxyRes` and `error`, those of plugins too. A listener
 * changes headers and the status; it cannot send anything to the service.
 */
export class ProxyListeners {
  private readonly logger = new Logger('Upstream');

  constructor(
    private readonly upstream: string,
    private readonly server: ProxyServer,
  ) {
    server.on('error', ignoreError);
  }

  /** Whether an event has a listener. */
  get hasAny(): boolean {
    return (['proxyReq', 'proxyRes', 'error'] as const).some((name) =>
      this.server.listeners(name).some((listener) => listener !== ignoreError),
    );
  }

  /**
   * Calls the listeners before an attempt. @param fields name, value, name, value; listeners change them
   * @throws ProxyListenerException if one throws
   */
  onRequest({ request, response }: Exchange, target: string, fields: string[]): void {
    if (this.server.listenerCount('proxyReq') === 0) return;
    const proxied = new ProxiedRequest(request.method!, target, new HeaderFields(fields));
    this.callAll('proxyReq', [proxied, request, response, {}]);
  }

  /** Calls the listeners for the head of a response. @returns the head for the client @throws ProxyListenerException */
  onResponse({ request, response }: Exchange, head: ResponseHead): ResponseHead {
    if (this.server.listenerCount('proxyRes') === 0) return head;
    const headers = toHeaderObject(head.headers);
    const proxied = {
      statusCode: head.status,
      statusMessage: head.phrase,
      httpVersion: '1.1',
      headers,
      rawHeaders: [...head.headers],
    };
    this.callAll('proxyRes', [proxied, request, response]);
    const fields = new HeaderFields([...head.headers]);
    this.guard('proxyRes', () => {
      checkStatus(head.status, proxied.statusCode);
      applyChanges(fields, headers);
    });
    return { ...head, status: proxied.statusCode, phrase: proxied.statusMessage, headers: fields.list };
  }

  /** Calls the listeners for a failure. @returns whether one of them has responded to the client */
  onError({ request, response }: Exchange, exception: ProxyException): boolean {
    try {
      this.callAll('error', [exception, request, response, undefined]);
    } catch {
      // It was logged, and the client gets the first exception.
    }
    return response.headersSent || response.writableEnded;
  }

  private callAll(name: EventName, parameters: unknown[]): void {
    this.guard(name, () => {
      for (const listener of this.server.listeners(name)) {
        const result: unknown = Reflect.apply(listener, this.server, parameters);
        if (result instanceof Promise) result.catch((error: unknown) => this.log(name, error));
      }
    });
  }

  /** @throws ProxyListenerException in place of any error, which is logged */
  private guard(name: EventName, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.log(name, error);
      throw new ProxyListenerException(error);
    }
  }

  private log(name: EventName, err: unknown): void {
    this.logger.error({ message: 'proxy listener failed', upstream: this.upstream, event: name, err });
  }
}

/** http-proxy-middleware emits failures, and an `error` without a listener would be thrown. */
function ignoreError(): void {}

/** Header fields as a list of name, value, name, value, whose other fields keep their order and bytes. */
class HeaderFields {
  constructor(readonly list: string[]) {}

  get(name: string): string[] {
    const lower = name.toLowerCase();
    return this.list.filter((_, index) => index % 2 === 1 && this.list[index - 1]!.toLowerCase() === lower);
  }

  /** @throws TypeError if a name or a value is invalid, Error if the gateway alone writes the field */
  set(name: string, value: unknown): void {
    const values = (Array.isArray(value) ? value : [value]).map(String);
    validateHeaderName(name);
    for (const each of values) validateHeaderValue(name, each);
    this.delete(name);
    for (const each of values) this.list.push(name, each);
  }

  delete(name: string): void {
    const lower = name.toLowerCase();
    if (FIXED.has(lower)) throw new Error(`only the gateway writes ${name}`);
    for (let index = this.list.length - 2; index >= 0; index -= 2) {
      if (this.list[index]!.toLowerCase() === lower) this.list.splice(index, 2);
    }
  }

  get names(): string[] {
    return [...valuesByName(this.list).keys()];
  }
}

/** The part of a `ClientRequest` that a `proxyReq` listener may use. */
class ProxiedRequest {
  constructor(
    readonly method: string,
    /** Path and query for the service. */
    readonly path: string,
    private readonly fields: HeaderFields,
  ) {}

  getHeader(name: string): string | string[] | undefined {
    const values = this.fields.get(name);
    return values.length > 1 ? values : values[0];
  }

  getHeaderNames(): string[] {
    return this.fields.names;
  }

  getHeaders(): Record<string, string | string[] | undefined> {
    return Object.fromEntries(
      [...valuesByName(this.fields.list)].map(([name, values]) => [
        name,
        values.length > 1 ? values : values[0],
      ]),
    );
  }

  hasHeader(name: string): boolean {
    return this.fields.get(name).length > 0;
  }

  setHeader(name: string, value: unknown): this {
    this.fields.set(name, value);
    return this;
  }

  removeHeader(name: string): void {
    this.fields.delete(name);
  }
}

/** The values of each name in lower case, in the order of their first fields. One pass: there may be thousands of fields. */
function valuesByName(list: readonly string[]): Map<string, string[]> {
  const values = new Map<string, string[]>();
  for (let index = 0; index < list.length; index += 2) {
    const name = list[index]!.toLowerCase();
    const known = values.get(name);
    if (known) known.push(list[index + 1]!);
    else values.set(name, [list[index + 1]!]);
  }
  return values;
}

type HeaderObject = Record<string, string | string[] | undefined>;

/** Headers as Node's `IncomingMessage` has them: names in lower case, `set-cookie` as a list, other duplicates joined. */
function toHeaderObject(list: readonly string[]): HeaderObject {
  // Without a prototype, since a service may send a header with the name of one of its members.
  const headers = Object.create(null) as HeaderObject;
  for (const [name, values] of valuesByName(list))
    headers[name] = name === 'set-cookie' ? values : values.join(', ');
  return headers;
}

/** @throws RangeError if a listener's status would change whether there is a body, which frames the message */
function checkStatus(before: number, after: number): void {
  const isValid = Number.isInteger(after) && after >= 200 && after < 1_000;
  if (!isValid || isBodiless(before) !== isBodiless(after)) {
    throw new RangeError(`a listener cannot turn ${before} into ${after}`);
  }
}

/** Applies what a listener has changed of the headers. */
function applyChanges(fields: HeaderFields, headers: HeaderObject): void {
  const before = toHeaderObject(fields.list);
  for (const name of Object.keys(before)) if (headers[name] === undefined) fields.delete(name);
  for (const [name, value] of Object.entries(headers)) {
    const isSame = JSON.stringify(value) === JSON.stringify(before[name.toLowerCase()]);
    if (value !== undefined && !isSame) fields.set(name, value);
  }
}
