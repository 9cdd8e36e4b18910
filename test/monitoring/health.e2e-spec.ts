import { startGateway, type RunningGateway } from '../support/gateway.js';
import { startService } from '../support/service.js';

/** So that a test need not wait for checks. */
const CHECKED = { HEALTH_CHECK_INTERVAL_MS: '20' };

interface Ready {
  readonly details: Record<string, { readonly status: string }>;
}

/** What `/health/ready` says once the checks have found a service degraded; 200 all the while. */
async function degraded({ url }: RunningGateway, service: string): Promise<Ready> {
  for (;;) {
    const response = await fetch(`${url}/health/ready`);
    expect(response.status).toBe(200);
    const answer = (await response.json()) as Ready;
    if (answer.details[service]?.status === 'degraded') return answer;
  }
}

describe('health', () => {
  it('answers the body of the contract on /health', async () => {
    await using gateway = await startGateway();

    const response = await fetch(`${gateway.url}/health`);

    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      status: 'healthy',
      service: 'api-gateway',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    });
  });

  it('stays ready and names the service that is down', async () => {
    await using up = await startService((_request, response) => response.end('{}'));
    await using gateway = await startGateway({
      env: { ...CHECKED, CHAT_SERVICE_URL: up.url, VIDEO_SERVICE_URL: up.url, STORAGE_SERVICE_URL: up.url },
    });

    const answer = await degraded(gateway, 'auth-service');

    expect(answer).toMatchObject({
      status: 'degraded',
      details: {
        'auth-service': { status: 'degraded', instances: '0 of 1', circuit: 'closed' },
        'chat-service': { status: 'up', instances: '1 of 1' },
        gateway: { status: 'up' },
      },
    });
  });

  it('takes a service whose health answers 500 for down, and says nothing of its address', async () => {
    await using broken = await startService((_request, response) => response.writeHead(500).end());
    await using gateway = await startGateway({ env: { ...CHECKED, AUTH_SERVICE_URL: broken.url } });

    const answer = await degraded(gateway, 'auth-service');

    expect(JSON.stringify(answer)).not.toContain(String(broken.port));
  });

  it('asks no service, however many read it', async () => {
    let asked = 0;
    await using service = await startService((_request, response) => {
      asked++;
      response.end();
    });
    await using gateway = await startGateway({
      env: { AUTH_SERVICE_URL: service.url },
    });

    await Promise.all(Array.from({ length: 20 }, () => fetch(`${gateway.url}/health/ready`)));

    expect(asked).toBe(0);
  });
});
