import { randomBytes } from 'node:crypto';
import { mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Upstream } from '@app/proxy';
import { Module } from '@nestjs/common';
import { FileStore } from '@tus/file-store';
import { Server } from '@tus/server';
import { Upload, type UploadOptions } from 'tus-js-client';
import { bearer, startGateway, type RunningGateway } from '../support/gateway.js';
import { startService, type PlayedService } from '../support/service.js';

@Upstream({
  name: 'uploads-service',
  instances: ['http://127.0.0.1:1080'],
  // An upload is on the disk of the instance that began it.
  affinity: { by: 'client', loadFactor: Infinity },
  routes: [
    { methods: ['POST'], path: '/uploads' },
    { methods: ['HEAD', 'PATCH', 'DELETE'], path: '/uploads/:id', bodyLimitBytes: 1_073_741_824 },
  ],
})
class UploadsUpstream {}

@Module({ providers: [UploadsUpstream] })
class UploadsModule {}

/** A tus server with its files in a folder. */
async function startUploads(directory: string): Promise<PlayedService> {
  // Clients must get the address of the gateway, which it names in `X-Forwarded-Host`.
  const server = new Server({
    path: '/uploads',
    datastore: new FileStore({ directory }),
    respectForwardedHeaders: true,
    // Milliseconds for which a request that was cut keeps its upload.
    lockDrainTimeout: 100,
  });
  return startService((request, response) => void server.handle(request, response));
}

const startUploadsGateway = (...urls: string[]): Promise<RunningGateway> =>
  startGateway({ modules: [UploadsModule], env: { UPLOADS_SERVICE_URL: urls.join() } });

const BYTES = randomBytes(3_000_000);

/** An upload that resolves at its end. */
function upload({ url }: RunningGateway, options: UploadOptions = {}): Upload & { done: Promise<void> } {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const started = new Upload(BYTES, {
    endpoint: `${url}/uploads`,
    headers: bearer(),
    retryDelays: null,
    onSuccess: () => resolve(),
    onError: reject,
    ...options,
  });
  return Object.assign(started, { done: promise });
}

/** Whether a server has the whole upload on its disk. */
async function isWhole(directory: string, { url }: Upload): Promise<boolean> {
  const bytes = await readFile(join(directory, basename(url!))).catch(() => undefined);
  return bytes?.equals(BYTES) ?? false;
}

describe('tus', () => {
  it('uploads a file in one request, and one in chunks', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'tus-'));
    await using service = await startUploads(folder.path);
    await using gateway = await startUploadsGateway(service.url);

    for (const options of [{}, { chunkSize: 1_000_000 }]) {
      const started = upload(gateway, options);
      started.start();
      await started.done;
      expect(started.url).toMatch(new RegExp(`^${gateway.url}/uploads/`));
      expect(await isWhole(folder.path, started)).toBe(true);
    }
  });

  it('resumes an upload that was cut, from the bytes that the server has', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'tus-'));
    await using service = await startUploads(folder.path);
    await using gateway = await startUploadsGateway(service.url);
    const cut = Promise.withResolvers<void>();
    const first = upload(gateway, { chunkSize: 1_000_000, onChunkComplete: () => cut.resolve() });
    first.start();
    await cut.promise;
    await first.abort();
    const sent: number[] = [];
    const second = upload(gateway, {
      uploadUrl: first.url!,
      onProgress: (bytes) => sent.push(bytes),
    });

    second.start();
    await second.done;

    expect(sent[0]).toBeGreaterThanOrEqual(1_000_000);
    expect(await isWhole(folder.path, second)).toBe(true);
    await second.abort(true);
    expect(await isWhole(folder.path, second)).toBe(false);
  });

  it('finds its upload again, though two instances have disks of their own', async () => {
    await using one = await mkdtempDisposable(join(tmpdir(), 'tus-'));
    await using other = await mkdtempDisposable(join(tmpdir(), 'tus-'));
    await using first = await startUploads(one.path);
    await using second = await startUploads(other.path);
    await using gateway = await startUploadsGateway(first.url, second.url);
    const started = upload(gateway, { chunkSize: 100_000 });

    started.start();
    await started.done;

    const found = [await isWhole(one.path, started), await isWhole(other.path, started)];
    expect(found.filter(Boolean)).toEqual([true]);
  });
});
