import { once } from 'node:events';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { request as sendRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeUser, startService } from '../../test/running-service.js';
import { announce, content, filesOnDisk, store } from '../../test/stored-file.js';
import { ObjectStore } from './object.store.js';
import { SignedUrlService } from './signed-url.service.js';

describe('an object', () => {
  it.each([
    ['fewer bytes', '012', false],
    ['more bytes', '0123456789A', false],
    ['fewer bytes, unannounced', '012', true],
    ['more bytes, unannounced', '0123456789A', true],
  ])('refuses %s than agreed, and keeps none', async (_, bytes, isChunked) => {
    await using storage = await startService('storage');
    const { upload_url } = await announce(storage, makeUser().token);
    const body = isChunked ? new Blob([bytes]).stream() : bytes;
    const response = await fetch(storage.url + upload_url, { method: 'PUT', body, duplex: 'half' });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ success: false, error: { code: 'WRONG_SIZE' } });
    expect(await filesOnDisk(storage)).toEqual([]);
  });

  it('keeps the upload that another process writes to the same folder, and removes those that no process writes any more', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'storage-spec-'));
    await using stack = new AsyncDisposableStack();
    stack.defer(() => rm(dataDir, { recursive: true }));
    const old = stack.use(await startService('storage', { dataDir }));
    const abandoned = join(old.app.get(ObjectStore).directory, 'abandoned.part');
    await writeFile(abandoned, '');
    await utimes(abandoned, 0, 0);
    const { token } = makeUser();
    const { file_id, upload_url } = await announce(old, token);
    const client = sendRequest(old.url + upload_url, { method: 'PUT', headers: { 'content-length': 10 } });
    client.write('01234');
    while ((await filesOnDisk(old)).length < 2) await new Promise(setImmediate);

    const next = stack.use(await startService('storage', { dataDir }));

    expect(await filesOnDisk(next)).toEqual([expect.stringMatching(`^${file_id}\\..+\\.part$`)]);
    client.end('56789');
    const [response] = (await once(client, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(200);
    response.resume();
    expect(await filesOnDisk(next)).toEqual([file_id]);
  });

  it('keeps nothing of an upload that the client breaks off, which can then be tried again', async () => {
    await using storage = await startService('storage');
    const { upload_url } = await announce(storage, makeUser().token);
    const objects = storage.app.get(ObjectStore);
    const write = objects.write.bind(objects);
    const outcome = Promise.withResolvers<PromiseSettledResult<void>>();
    objects.write = async (id, body, ...rest) => {
      body.once('readable', () => client.destroy());
      const [settled] = await Promise.allSettled([write(id, body, ...rest)]);
      outcome.resolve(settled);
      if (settled.status === 'rejected') throw settled.reason;
    };
    const client = sendRequest(storage.url + upload_url, {
      method: 'PUT',
      headers: { 'content-length': 10 },
    });
    client.on('error', () => {}).write('01234');
    expect((await outcome.promise).status).toBe('rejected');
    expect(await filesOnDisk(storage)).toEqual([]);

    objects.write = write;
    const again = () => fetch(storage.url + upload_url, { method: 'PUT', body: content });
    let response = await again();
    while (response.status === 409) response = await again();
    expect(response.status).toBe(200);
  });

  it('refuses an expired, a forged and a misused URL', async () => {
    await using storage = await startService('storage');
    const { token } = makeUser();
    const { file_id, url } = await store(storage, token);
    const other = await announce(storage, token);
    const urls = storage.app.get(SignedUrlService);
    const codeOf = async (address: string, method = 'GET') => {
      const response = await fetch(address, { method });
      return [response.status, ((await response.json()) as any).error.code];
    };
    const expired = storage.url + urls.sign(file_id, 'get', Date.now() - 1000).url;
    expect(await codeOf(expired)).toEqual([403, 'URL_EXPIRED']);
    const forgeries = [
      url.slice(0, -1) + (url.endsWith('A') ? 'E' : 'A'),
      url.replace(file_id, other.file_id),
      url.replace(/get-\d+/, 'get-9999999999'),
      `${url}.x`,
      storage.url + '/v1/storage/objects/x',
      storage.url + other.upload_url,
    ];
    for (const forgery of forgeries) expect(await codeOf(forgery)).toEqual([403, 'INVALID_SIGNATURE']);
    expect(await codeOf(url, 'PUT')).toEqual([403, 'INVALID_SIGNATURE']);
  });

  it('serves one range', async () => {
    await using storage = await startService('storage');
    const { url } = await store(storage, makeUser().token);
    const get = (headers: Record<string, string>) => fetch(url, { headers });
    const part = await get({ range: 'bytes=2-4' });
    expect(part.status).toBe(206);
    expect(part.headers.get('content-range')).toBe('bytes 2-4/10');
    expect(part.headers.get('content-length')).toBe('3');
    expect(await part.text()).toBe('234');
    expect(await (await get({ range: 'bytes=-2' })).text()).toBe('89');

    const outside = await get({ range: 'bytes=10-' });
    expect(outside.status).toBe(416);
    expect(outside.headers.get('content-range')).toBe('bytes */10');
    expect((await outside.json()) as object).toMatchObject({ success: false });
    expect((await get({ range: 'bytes=0-1', 'if-range': '"another"' })).status).toBe(200);
    expect((await get({ range: 'bytes=0-1', 'if-range': part.headers.get('etag')! })).status).toBe(206);
  });
});
