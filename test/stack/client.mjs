import { randomUUID } from 'node:crypto';

/** A user of the system, from outside: through nginx. */
export class Client {
  constructor(url) {
    this.url = url;
  }

  /** The answer's status and body. @throws Error where there is none */
  async ask(method, path, body, headers = {}) {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        ...(this.token && { Authorization: `Bearer ${this.token}` }),
        ...(body !== undefined && !(body instanceof Uint8Array) && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      body: body === undefined || body instanceof Uint8Array ? body : JSON.stringify(body),
      signal: AbortSignal.timeout(60_000),
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    const isJson = response.headers.get('content-type')?.startsWith('application/json');
    return {
      status: response.status,
      headers: response.headers,
      bytes,
      body: isJson ? JSON.parse(bytes) : undefined,
    };
  }

  /** A new user, logged in. */
  async begin() {
    const name = `user-${randomUUID().slice(0, 8)}`;
    const account = { email: `${name}@example.com`, username: name, password: 'correct horse battery' };
    const registered = await this.ask('POST', '/v1/auth/register', account);
    if (registered.status !== 201)
      throw new Error(`register answered ${registered.status}: ${registered.bytes}`);
    const { body } = await this.ask('POST', '/v1/auth/login', account);
    this.token = body.data.access_token;
    return this;
  }

  /** The id of a new conversation of this user. */
  async converse() {
    const { status, body } = await this.ask('POST', '/v1/conversations', { participant_ids: [] });
    if (status !== 201) throw new Error(`a conversation was answered with ${status}`);
    return body.data.id;
  }
}
