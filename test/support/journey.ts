import { randomBytes } from 'node:crypto';

interface Answer {
  readonly status: number;
  // The journey reads only the fields that it needs.
  readonly body: any;
}

/**
 * Uses the whole system as one user: registers, logs in, chats, calls, uploads and downloads a file, refreshes, logs out, and
 * is then refused.
 *
 * @returns secrets that no log may contain
 */
export async function travel({ url }: { readonly url: string }): Promise<readonly string[]> {
  const send = async (method: string, path: string, token?: string, body?: unknown): Promise<Answer> => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(token && { Authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  };
  const register = (name: string): Promise<Answer> =>
    send('POST', '/v1/auth/register', undefined, {
      email: `${name}@example.com`,
      username: name,
      password: 'correct horse battery',
    });

  const grace = await register('grace');
  expect((await register('ada')).status).toBe(201);
  const login = await send('POST', '/v1/auth/login', undefined, {
    email: 'ada@example.com',
    password: 'correct horse battery',
  });
  expect(login.status).toBe(200);
  const token: string = login.body.data.access_token;
  expect((await send('GET', '/v1/auth/profile', token)).body.data.username).toBe('ada');

  const friend: string = grace.body.data.user.id;
  const conversation = await send('POST', '/v1/conversations', token, {
    title: 'Engines',
    participant_ids: [friend],
  });
  expect(conversation.status).toBe(201);
  const conversation_id: string = conversation.body.data.id;
  expect(
    (await send('POST', '/v1/messages', token, { conversation_id, content: 'Hello Grace' })).status,
  ).toBe(201);
  const read = await send(
    'GET',
    `/v1/messages?conversation_id=${conversation_id}`,
    grace.body.data.access_token,
  );
  expect(read.body.data.messages).toMatchObject([{ content: 'Hello Grace' }]);
  expect((await send('POST', '/v1/presence', token, { status: 'online' })).status).toBe(200);

  const call = await send('POST', '/v1/calls/initiate', token, {
    conversation_id,
    callee_ids: [friend],
    type: 'video',
  });
  expect(call.status).toBe(201);
  const callPath = `/v1/calls/${call.body.data.id}`;
  expect((await send('POST', `${callPath}/join`, grace.body.data.access_token)).status).toBe(200);
  expect((await send('GET', callPath, token)).body.data.status).toBe('active');
  expect((await send('POST', `${callPath}/end`, token)).status).toBe(200);

  const bytes = randomBytes(300_000);
  const upload = await send('POST', '/v1/storage/upload-url', token, {
    filename: 'engine.bin',
    content_type: 'application/octet-stream',
    size: bytes.length,
  });
  const put = await fetch(`${url}${upload.body.data.upload_url}`, { method: 'PUT', body: bytes });
  expect(put.status).toBe(200);
  const file_id: string = upload.body.data.file_id;
  expect((await send('POST', '/v1/storage/upload-complete', token, { file_id })).status).toBe(200);
  const download = await send('GET', `/v1/storage/download-url/${file_id}`, token);
  const got = await fetch(`${url}${download.body.data.download_url}`);
  expect(Buffer.from(await got.arrayBuffer()).equals(bytes)).toBe(true);

  const refresh = await send('POST', '/v1/auth/refresh', undefined, {
    refresh_token: login.body.data.refresh_token,
  });
  expect(refresh.status).toBe(200);
  const fresh: string = refresh.body.data.access_token;
  expect((await send('POST', '/v1/auth/logout', fresh)).status).toBe(200);
  await untilRefused(() => send('GET', '/v1/messages?conversation_id=x', fresh));
  return [token, fresh, upload.body.data.upload_url, download.body.data.download_url];
}

/**
 * Resolves when enough requests in a row were refused that each of two gateways behind nginx had some. The gateway that passed
 * the logout on refuses at once, the other when Redis has told it.
 *
 * @throws Error if a request fails for another reason than its faulty conversation
 */
async function untilRefused(request: () => Promise<Answer>): Promise<void> {
  for (let inARow = 0; inARow < 10;) {
    const { status, body } = await request();
    if (status !== 400) expect([status, body.error]).toEqual([401, 'Token revoked']);
    inARow = status === 401 ? inARow + 1 : 0;
  }
}
