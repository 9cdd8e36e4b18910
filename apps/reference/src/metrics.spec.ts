import { makeUser, startService } from '../test/running-service.js';

describe('metrics', () => {
  it('count requests by the template of their route, refused and unknown ones too', async () => {
    await using chat = await startService('chat');
    const { token } = makeUser();
    await chat.send('POST', '/v1/presence', token, { status: 'online' });
    await chat.send('POST', '/v1/presence', undefined, { status: 'online' });
    await chat.send('GET', '/wp-login.php');
    await chat.send('GET', '/.env');

    const response = await fetch(`${chat.url}/metrics`);
    const text = await response.text();

    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const count = (method: string, endpoint: string, status: number) =>
      `http_requests_total{method="${method}",endpoint="${endpoint}",status="${status}",service="chat-service"}`;
    expect(text).toContain(`${count('POST', '/v1/presence', 200)} 1\n`);
    expect(text).toContain(`${count('POST', '/v1/presence', 401)} 1\n`);
    expect(text).toContain(`${count('GET', 'unmatched', 404)} 2\n`);
    expect(text).toMatch(/^http_request_duration_seconds_count\{.*endpoint="\/v1\/presence".*\} 2$/m);
    expect(text).toMatch(/^process_resident_memory_bytes\{service="chat-service"\} \d+$/m);
    expect(text).not.toContain('wp-login');
  });

  it('do not let a path parameter become a label', async () => {
    await using video = await startService('video');
    const { token } = makeUser();
    const path = '/v1/calls/0b6c39ab-3a9b-4b0e-9a53-5ac9f38f7e0e';
    expect((await video.send('GET', path, token)).status).toBe(404);

    const text = await (await fetch(`${video.url}/metrics`)).text();

    expect(text).toContain('endpoint="/v1/calls/:id",status="404",service="video-service"} 1\n');
    expect(text).not.toContain('0b6c39ab');
  });

  it('count a client that left before its answer as 499', async () => {
    await using auth = await startService('auth', { fullHashes: true });
    const leaving = new AbortController();
    auth.app.getHttpServer().once('request', () => leaving.abort());
    const user = { email: 'ada@example.org', username: 'ada', password: 'correct horse' };
    await expect(
      fetch(`${auth.url}/v1/auth/register`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(user),
        signal: leaving.signal,
      }),
    ).rejects.toThrow('aborted');

    const metrics = async () => (await fetch(`${auth.url}/metrics`)).text();
    let text = await metrics();
    while (!text.includes('http_requests_total{method="POST"')) text = await metrics();

    expect(text).toMatch(/http_requests_total\{method="POST",.*status="499"/);
  });
});
