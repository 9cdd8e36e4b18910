import { makeUser, startService } from '../../test/running-service.js';
import { announce, announcement, content, filesOnDisk, store } from '../../test/stored-file.js';
import { Database } from '../database.js';

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
