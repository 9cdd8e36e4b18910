import { once } from 'node:events';
import { open, readdir, writeFile } from 'node:fs/promises';
import { request as sendRequest, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { makeUser } from '../../test/running-service.js';
import { SIZE, Storage } from '../../test/storage.js';

async function codeOf(response: Response): Promise<[number, string | undefined]> {
  const { error } = (await response.json()) as { error?: { code: string } };
  return [response.status, error?.code];
}

describe('an upload', () => {
  it('is the only one of its URL at a time', async () => {
    await using storage = await Storage.start();
    const { upload_url } = await storage.announced();
    const first = storage.beginUpload(upload_url);
    await storage.until((sizes) => sizes[0] === SIZE - 1);

    const others = await Promise.all(
      Array.from({ length: 9 }, () => storage.put(upload_url, 'y'.repeat(SIZE)).then(codeOf)),
    );

    expect(others).toEqual(others.map(() => [409, 'UPLOAD_IN_PROGRESS']));
    expect(await storage.sizes()).toEqual([SIZE - 1]);
    first.client.end('x');
    expect((await first.response).statusCode).toBe(200);
    expect(await storage.sizes()).toEqual([SIZE]);
  });

  it('that its owner deletes takes room until its bytes are gone', async () => {
    await using storage = await Storage.start({ quotaBytes: 3 * SIZE });
    const files = [await storage.announced(), await storage.announced(), await storage.announced()];
    for (const { upload_url } of files) storage.beginUpload(upload_url);
    await storage.until((sizes) => sizes.length === 3 && sizes[0] === SIZE - 1);

    for (const { file_id } of files) expect((await storage.delete(file_id)).status).toBe(200);

    for (;;) {
      const used = await storage.used();
      const onDisk = (await storage.sizes()).reduce((sum, size) => sum + size, 0);
      expect(onDisk).toBeLessThanOrEqual(used);
      if (used === 0) break;
      // 413 while the quota is used up, 200 once it is free again.
      const another = await storage.announce(storage.user, 3 * SIZE - used + 1);
      expect([200, 413]).toContain(another.status);
      if (another.status === 200) await storage.delete(another.body.data.file_id as string);
    }
    expect(await storage.sizes()).toEqual([]);
  });

  it('takes room when it goes on past the life of its URL, and is kept', async () => {
    await using storage = await Storage.start({ quotaBytes: 2 * SIZE });
    const { file_id, upload_url } = await storage.announced();
    const { client, response } = storage.beginUpload(upload_url);
    await storage.until((sizes) => sizes[0] === SIZE - 1);
    // Two days ago: announced uploads that did not come are forgotten earlier.
    const past = new Date(Date.now() - 48 * 3_600_000).toISOString();
    storage.database.run`UPDATE files SET upload_until = ${past} WHERE id = ${file_id}`;

    expect(await storage.used()).toBe(SIZE);
    expect((await storage.announce(storage.user, SIZE + 1)).status).toBe(413);
    expect((await storage.announce(storage.user, SIZE)).status).toBe(200);
    client.end('x');

    expect((await response).statusCode).toBe(200);
  });

  it('is one of a bounded number of its user, so that 280 slow ones leave room for others', async () => {
    await using storage = await Storage.start();
    const urls = await Promise.all(Array.from({ length: 280 }, () => storage.announced()));
    let refused = 0;
    const allRefused = Promise.withResolvers<void>();
    const begun = urls.map(({ upload_url }) => storage.beginUpload(upload_url));
    const ended = begun.map(async ({ client, response }) => {
      const { statusCode, headers } = await response;
      expect([statusCode, headers['retry-after']]).toEqual([429, '1']);
      if (++refused === 272) allRefused.resolve();
      // The service does not wait for the rest of a refused body.
      if (!client.destroyed) await once(client, 'close');
    });
    const others = Promise.allSettled(ended);
    await allRefused.promise;

    const other = makeUser();
    const { upload_url } = await storage.announced(other);
    expect((await storage.put(upload_url, 'y'.repeat(SIZE))).status).toBe(200);

    expect(await storage.sizes()).toEqual([...Array<number>(8).fill(SIZE - 1), SIZE]);
    for (const { client } of begun) client.destroy();
    await others;
  });

  it('that another process began and did not end, since it was killed, is removed and can be made again', async () => {
    await using storage = await Storage.start();
    const { file_id, upload_url } = await storage.announced();
    const part = `${file_id}.1.part`;
    await writeFile(join(storage.directory, part), 'x');
    const lease = (until: number) =>
      storage.database.run`
        INSERT OR REPLACE INTO uploads (file_id, owner_id, part, lease_until)
        VALUES (${file_id}, ${storage.user.id}, ${part}, ${until})`;
    lease(Date.now() + 60_000);
    expect(await codeOf(await storage.put(upload_url, 'y'.repeat(SIZE)))).toEqual([
      409,
      'UPLOAD_IN_PROGRESS',
    ]);

    lease(Date.now() - 1);
    expect((await storage.put(upload_url, 'y'.repeat(SIZE))).status).toBe(200);

    expect(await readdir(storage.directory)).toEqual([file_id]);
  });

  it('whose file is deleted at another process is not kept, and gives its room back then', async () => {
    await using both = await Storage.startTwo();
    const { one, two } = both;
    const { file_id, upload_url } = await one.announced();
    const { client, response } = one.beginUpload(upload_url);
    await one.until((sizes) => sizes[0] === SIZE - 1);

    expect((await two.delete(file_id, one.user)).status).toBe(200);
    expect(await two.used(one.user)).toBe(SIZE);
    client.end('x');

    expect((await response).statusCode).toBe(404);
    while ((await two.used(one.user)) > 0);
    expect(await one.sizes()).toEqual([]);
  });
});

describe('an upload while the service stops', () => {
  it('is ended by a deadline, though its client goes on sending', async () => {
    await using storage = await Storage.start({ uploadDrainMs: 50 });
    const { body } = await storage.announce(storage.user, 1024 ** 2);
    const { upload_url } = body.data as { upload_url: string };
    const client = sendRequest(storage.url + upload_url, {
      method: 'PUT',
      headers: { 'content-length': 1024 ** 2 },
    });
    const sending = setInterval(() => client.write('x'), 5);
    client.once('close', () => clearInterval(sending)).on('error', () => {});
    client.write('x');
    const response = once(client, 'response') as Promise<[IncomingMessage]>;
    await storage.until((sizes) => sizes.length === 1 && sizes[0]! > 0);

    await storage.stop();

    expect((await response)[0].statusCode).toBe(503);
    clearInterval(sending);
    client.destroy();
  });

  it('is kept if it is complete before', async () => {
    await using storage = await Storage.start();
    const { upload_url } = await storage.announced();
    const { client, response } = storage.beginUpload(upload_url);
    await storage.until((sizes) => sizes[0] === SIZE - 1);
    const stopped = storage.stop();
    client.end('x');

    expect((await response).statusCode).toBe(200);
    await stopped;
  });
});

describe('a deleted file', () => {
  it('stays deleted when another process completes it at the same time', async () => {
    await using both = await Storage.startTwo();
    const { one, two } = both;
    const { file_id, upload_url } = await one.announced();
    await one.put(upload_url, 'y'.repeat(SIZE));
    const { files } = one;
    const getOwned = files.getOwned.bind(files);
    // Between the check of the file and its change.
    files.getOwned = (...asked) => {
      const file = getOwned(...asked);
      two.files.markDeleted(one.user.id, file_id);
      return file;
    };

    expect(() => files.complete(one.user.id, file_id)).toThrow('File not found');

    files.getOwned = getOwned;
    expect(files.isDeleted(file_id)).toBe(true);
    expect((await two.delete(file_id, one.user)).status).toBe(404);
  });

  it('is gone from the disk even if a download has it open, which does not end as if it were whole', async () => {
    await using storage = await Storage.start();
    const size = 8 * 1024 * 1024;
    const { body } = await storage.announce(storage.user, size);
    const { file_id, upload_url } = body.data as { file_id: string; upload_url: string };
    await storage.put(upload_url, 'x'.repeat(size));
    await using file = await open(join(storage.directory, file_id));
    const { token } = storage.user;
    const send = (method: string, path: string, given?: object) =>
      fetch(`${storage.url}/v1/storage/${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(given && { body: JSON.stringify(given) }),
      });
    await send('POST', 'upload-complete', { file_id });
    const found = await send('GET', `download-url/${file_id}`);
    const { data } = (await found.json()) as { data: { download_url: string } };
    const client = sendRequest(storage.url + data.download_url).end();
    const [response] = (await once(client, 'response')) as [IncomingMessage];

    expect((await storage.delete(file_id)).status).toBe(200);

    expect((await file.stat()).size).toBe(0);
    let received = 0;
    await expect(async () => {
      for await (const chunk of response as AsyncIterable<Buffer>) received += chunk.length;
    }).rejects.toThrow('aborted');
    expect(received).toBeLessThan(size);
  });
});

describe('a body that is not wanted', () => {
  it('is not waited for', async () => {
    await using storage = await Storage.start();
    const { client, response } = storage.beginUpload('/v1/storage/objects/x');
    const { statusCode } = await response;
    expect(statusCode).toBe(403);
    if (!client.destroyed) await once(client, 'close');
  });
});
