import { once } from 'node:events';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { request as sendRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeUser, startService, type RunningService } from '../../test/running-service.js';
import { Database } from '../database.js';
import { ObjectStore } from './object.store.js';
import { SignedUrlService } from './signed-url.service.js';

const content = Buffer.from('0123456789');
const announcement = { filename: 'Größe "1".txt', content_type: 'text/plain', size: content.length };

async function announce(storage: RunningService, token: string, changes: object = {}) {
  const { body } = await storage.send('POST', '/v1/storage/upload-url', token, {
    ...announcement,
    ...changes,
  });
  return body.data as { file_id: string; upload_url: string };
}

async function store(storage: RunningService, token: string, bytes = content) {
  const { file_id, upload_url } = await announce(storage, token, { size: bytes.length });
  await fetch(storage.url + upload_url, { method: 'PUT', body: bytes });
  await storage.send('POST', '/v1/storage/upload-complete', token, { file_id });
  const { body } = await storage.send('GET', `/v1/storage/download-url/${file_id}`, token);
  return { file_id, url: storage.url + body.data.download_url };
}

function filesOnDisk(storage: RunningService) {
  return readdir(storage.app.get(ObjectStore).directory);
}

describe('storage', () => {
  it('takes a file and gives it back', async () => {
    await using storage = await startService('storage');
    const { token } = makeUser();
    const announced = await storage.send('POST', '/v1/storage/upload-url', token, announcement);
    expect(announced).toMatchObject({
      status: 200,
      body: { data: { method: 'PUT', expires_at: expect.any(String) } },
    });
    const { file_id, upload_url } = announced.body.data;
    expect(upload_url).toMatch(/^\/v1\/storage\/objects\/[\w-]+\.[\w-]+\.[\w-]+$/);
    const complete = () => storage.send('POST', '/v1/storage/upload-complete', token, { file_id });
    expect((await complete()).body.error.code).toBe('NOT_UPLOADED');
    expect((await storage.send('GET', `/v1/storage/download-url/${file_id}`, token)).status).toBe(409);

    const upload = () => fetch(storage.url + upload_url, { method: 'PUT', body: content });
    const uploaded = await upload();
    expect(uploaded.status).toBe(200);
    expect(await uploaded.json()).toMatchObject({ data: { file_id, status: 'uploaded', size: 10 } });
    expect((await upload()).status).toBe(409);
    expect((await complete()).body.data.status).toBe('complete');

    const { body } = await storage.send('GET', `/v1/storage/download-url/${file_id}`, token);
    const download = await fetch(storage.url + body.data.download_url);
    expect(download.status).toBe(200);
    expect(Object.fromEntries(download.headers)).toMatchObject({
      'content-length': '10',
      'content-type': 'text/plain',
      'content-disposition': `attachment; filename="Gr__e _1_.txt"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%221%22.txt`,
      'accept-ranges': 'bytes',
    });
    expect(Buffer.from(await download.arrayBuffer())).toEqual(content);
    expect(await filesOnDisk(storage)).toEqual([file_id]);
  });

  it('takes JSON, an empty file and one larger than any buffer as they are', async () => {
    await using storage = await startService('storage');
    const { token } = makeUser();
    const json = await announce(storage, token, { size: 2 });
    const headers = { 'content-type': 'application/json' };
    expect((await fetch(storage.url + json.upload_url, { method: 'PUT', headers, body: '{}' })).status).toBe(
      200,
    );
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(3 * 1024 * 1024, 'x')]) {
      const { url } = await store(storage, token, bytes);
      expect(bytes.equals(Buffer.from(await (await fetch(url)).arrayBuffer()))).toBe(true);
    }
  });

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

  it('leaves the upload that another process of the same folder is taking, and removes what nobody writes any more', async () => {
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

  it('holds each user to a quota, and gives the room of a deleted file back', async () => {
    await using storage = await startService('storage', { quotaBytes: 15 });
    const { token } = makeUser();
    const { file_id, url } = await store(storage, token);
    const quota = async () => (await storage.send('GET', '/v1/storage/quota', token)).body.data;
    expect(await quota()).toEqual({ used: 10, limit: 15 });
    const second = await storage.send('POST', '/v1/storage/upload-url', token, announcement);
    expect(second).toMatchObject({ status: 413, body: { error: { code: 'QUOTA_EXCEEDED' } } });

    expect((await storage.send('DELETE', `/v1/storage/files/${file_id}`, token)).status).toBe(200);
    expect(await quota()).toEqual({ used: 0, limit: 15 });
    expect((await fetch(url)).status).toBe(404);
    expect(await filesOnDisk(storage)).toEqual([]);
  });

  it('holds each user to a number of files, however small', async () => {
    await using storage = await startService('storage');
    const [ada, bob] = [makeUser(), makeUser()];
    const database = storage.app.get(Database);
    database.run`
      INSERT INTO files (id, owner_id, filename, content_type, size, status, created_at, upload_until)
      SELECT value, ${ada.id}, 'a', 'a/b', 0, 'complete', '', '' FROM (
        WITH RECURSIVE n(value) AS (VALUES (1) UNION ALL SELECT value + 1 FROM n LIMIT 9999) SELECT * FROM n)`;
    const add = ({ token }: { token: string }) =>
      storage.send('POST', '/v1/storage/upload-url', token, { ...announcement, size: 0 });

    expect((await add(ada)).status).toBe(200);
    expect(await add(ada)).toMatchObject({ status: 413, body: { error: { code: 'TOO_MANY_FILES' } } });
    expect((await add(bob)).status).toBe(200);
    database.run`DELETE FROM files WHERE id = '1'`;
    expect((await add(ada)).status).toBe(200);
  });

  it('finds announcements to remove by an index', async () => {
    await using storage = await startService('storage');
    const plan = storage.app.get(Database).rows<{ detail: string }>`
      EXPLAIN QUERY PLAN DELETE FROM files WHERE status = 'pending' AND upload_until < ''`;
    expect(plan.map(({ detail }) => detail).join()).toContain('files_pending');
  });

  it('shows a file to its owner only', async () => {
    await using storage = await startService('storage');
    const { file_id } = await store(storage, makeUser().token);
    const { token } = makeUser();
    expect((await storage.send('GET', `/v1/storage/download-url/${file_id}`, token)).status).toBe(404);
    expect((await storage.send('POST', '/v1/storage/upload-complete', token, { file_id })).status).toBe(404);
    expect((await storage.send('DELETE', `/v1/storage/files/${file_id}`, token)).status).toBe(404);
  });

  it('takes no name or type that could mislead a client', async () => {
    await using storage = await startService('storage');
    const { token } = makeUser();
    for (const fault of [
      { filename: '../x' },
      { filename: 'a\r\nb' },
      ...['\u202a', '\u202e', '\u2066', '\u2069'].map((turn) => ({ filename: `a${turn}fdp.exe` })),
      { content_type: 'text' },
      { size: -1 },
    ]) {
      const answer = await storage.send('POST', '/v1/storage/upload-url', token, {
        ...announcement,
        ...fault,
      });
      expect(answer.status).toBe(400);
    }
  });
});
