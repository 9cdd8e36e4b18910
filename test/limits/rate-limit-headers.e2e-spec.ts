import { startGateway } from '../support/gateway.js';
import { exchangeRaw } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { startRecordingService } from '../support/recording-service.js';

const ANSWER =
  'HTTP/1.1 200 OK\r\nX-RateLimit-Limit: 7\r\nx-ratelimit-remaining: 3\r\nX-RATELIMIT-RESET: 60\r\nContent-Length: 2\r\n\r\nok';

async function limitLines(env: Readonly<Record<string, string>>): Promise<string[]> {
  await using service = await startRecordingService(ANSWER);
  await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url, ...env } });
  const request = rawRequest('GET /v1/auth/profile', { headers: { Connection: 'close' } });
  const { text } = await exchangeRaw(gateway.port, request);
  return text.match(/^x-ratelimit-[^\r]*/gim) ?? [];
}

describe('the headers of a limit', () => {
  it("are one set, the gateway's, though the service has limits of its own", async () => {
    const lines = await limitLines({ RATELIMIT: 'on' });

    expect(lines).toEqual([
      'X-RateLimit-Limit: 100',
      'X-RateLimit-Remaining: 99',
      expect.stringMatching(/^X-RateLimit-Reset: \d{10}$/),
    ]);
  });

  it("are the service's where the gateway has no limits", async () => {
    expect(await limitLines({ RATELIMIT: 'off' })).toEqual([
      'X-RateLimit-Limit: 7',
      'x-ratelimit-remaining: 3',
      'X-RATELIMIT-RESET: 60',
    ]);
  });
});
