import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { Client } from './client.mjs';

/** What a newcomer and a person who uses SecureConnect do, one step after the other, each with its name. */
export const JOURNEY = {
  async 'health is public, and the rest of what watches the gateway is not'(url) {
    const stranger = new Client(url);
    const { status, body } = await stranger.ask('GET', '/health');
    assert.deepEqual([status, body.status], [200, 'healthy']);
    for (const path of ['/metrics', '/health/ready', '/health/live']) {
      assert.equal((await stranger.ask('GET', path)).status, 404, path);
    }
  },

  async 'an address and a name make an account, with the command of the README'(url) {
    const name = `ada-${randomUUID().slice(0, 8)}`;
    const account = { email: `${name}@example.com`, username: name, password: 'correct horse battery' };
    assert.equal((await new Client(url).ask('POST', '/v1/auth/register', account)).status, 201);
  },

  async 'people talk, over HTTP and over a WebSocket'(url) {
    const user = await new Client(url).begin();
    const conversation = await user.converse();
    await using socket = await openSocket(user, conversation);
    socket.send(JSON.stringify({ type: 'message', content: 'hello' }));
    await socket.heard(({ type, content }) => type === 'message' && content === 'hello');
    const { status, body } = await user.ask('GET', `/v1/messages?conversation_id=${conversation}`);
    assert.equal(status, 200);
    assert.match(JSON.stringify(body), /hello/);
  },

  async 'a file of 20 MiB goes up and comes down'(url) {
    const user = await new Client(url).begin();
    const bytes = randomBytes(20 * 1024 * 1024);
    const type = 'application/octet-stream';
    const file = { filename: 'a file', content_type: type, size: bytes.length };
    const announced = (await user.ask('POST', '/v1/storage/upload-url', file)).body.data;
    const upload = new URL(announced.upload_url, url).pathname;
    const put = await new Client(url).ask('PUT', upload, bytes, { 'Content-Type': type });
    assert.ok(put.status < 300, `upload answered ${put.status}`);
    await user.ask('POST', '/v1/storage/upload-complete', { file_id: announced.file_id });
    const at = (await user.ask('GET', `/v1/storage/download-url/${announced.file_id}`)).body.data
      .download_url;
    const got = await new Client(url).ask('GET', new URL(at, url).pathname);
    assert.ok(got.bytes.equals(bytes));
  },

  async 'a logout ends the token, and its socket with 4403'(url) {
    const user = await new Client(url).begin();
    await using socket = await openSocket(user, await user.converse());
    assert.equal((await user.ask('POST', '/v1/auth/logout')).status, 200);
    assert.equal(await socket.closed, 4403);
    const { status, body } = await user.ask('GET', '/v1/auth/profile');
    assert.deepEqual([status, body.error], [401, 'Token revoked']);
  },
};

/** An open socket of the conversation, closed where its block ends. */
async function openSocket({ url, token }, conversation) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/ws/chat?conversation_id=${conversation}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const seen = [];
  socket.on('message', (data) => seen.push(JSON.parse(data)));
  const closed = once(socket, 'close').then(([code]) => code);
  await once(socket, 'open');
  return {
    send: (text) => socket.send(text),
    closed,
    async heard(isIt) {
      while (!seen.some(isIt)) await Promise.race([once(socket, 'message'), refuseAfter(10_000)]);
    },
    async [Symbol.asyncDispose]() {
      socket.close();
      await closed;
    },
  };
}

async function refuseAfter(ms) {
  await delay(ms, undefined, { ref: false });
  throw new Error(`not heard within ${ms} ms`);
}
