import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { request as sendRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Database } from '../src/database.js';
import type { ServiceConfig } from '../src/service.config.js';
import { FilesService } from '../src/storage/files.service.js';
import { ObjectStore } from '../src/storage/object.store.js';
import { makeUser, startService, type RunningService } from './running-service.js';

export const SIZE = 10;

/** A running storage-service, and slow clients that it closes. */
export class Storage implements AsyncDisposable {
  readonly user = makeUser();
  private readonly clients: ClientRequest[] = [];

  private constructor(private readonly service: RunningService) {}

  static async start(config: Partial<ServiceConfig> = {}): Promise<Storage> {
    return new Storage(await startService('storage', config));
  }

  /** Two processes with the same folder, which is removed with them. */
  static async startTwo(): Promise<AsyncDisposable & { readonly one: Storage; readonly two: Storage }> {
    await using stack = new AsyncDisposableStack();
    const dataDir = await mkdtemp(join(tmpdir(), 'storage-spec-'));
    stack.defer(() => rm(dataDir, { recursive: true }));
    const one = stack.use(await Storage.start({ dataDir }));
    const two = stack.use(await Storage.start({ dataDir }));
    const owned = stack.move();
    return { one, two, [Symbol.asyncDispose]: () => owned.disposeAsync() };
  }

  get url(): string {
    return this.service.url;
  }

  get database(): Database {
    return this.service.app.get(Database);
  }

  get files(): FilesService {
    return this.service.app.get(FilesService);
  }

  get directory(): string {
    return this.service.app.get(ObjectStore).directory;
  }

  async stop(): Promise<void> {
    await this.service[Symbol.asyncDispose]();
  }

  announce({ token } = this.user, size = SIZE) {
    const file = { filename: 'a', content_type: 'text/plain', size };
    return this.service.send('POST', '/v1/storage/upload-url', token, file);
  }

  async announced(user = this.user): Promise<{ file_id: string; upload_url: string }> {
    return (await this.announce(user)).body.data as { file_id: string; upload_url: string };
  }

  delete(fileId: string, { token } = this.user) {
    return this.service.send('DELETE', `/v1/storage/files/${fileId}`, token);
  }

  async used({ token } = this.user): Promise<number> {
    return (await this.service.send('GET', '/v1/storage/quota', token)).body.data.used as number;
  }

  put(path: string, body: string): Promise<Response> {
    return fetch(this.url + path, { method: 'PUT', body });
  }

  /** Starts an upload, and sends all bytes but one. */
  beginUpload(path: string): { client: ClientRequest; response: Promise<IncomingMessage> } {
    const client = sendRequest(this.url + path, { method: 'PUT', headers: { 'content-length': SIZE } });
    this.clients.push(client);
    client.on('error', () => {}).write('x'.repeat(SIZE - 1));
    const response = once(client, 'response').then(([message]) => (message as IncomingMessage).resume());
    // Most tests do not wait for the response.
    response.catch(() => {});
    return { client, response };
  }

  /** The sizes of all files on disk, in order. */
  async sizes(): Promise<number[]> {
    const names = await readdir(this.directory);
    const sizes = names.map(async (name) => (await stat(join(this.directory, name)).catch(() => null))?.size);
    return (await Promise.all(sizes)).filter((size) => size !== undefined).toSorted((a, b) => a - b);
  }

  async until(isSo: (sizes: number[]) => boolean): Promise<void> {
    while (!isSo(await this.sizes()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.clients) client.destroy();
    await this.service[Symbol.asyncDispose]();
  }
}
