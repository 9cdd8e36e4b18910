import { startGateway } from './support/gateway.js';
import { startService } from './support/service.js';

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
      env: { CHAT_SERVICE_URL: up.url, VIDEO_SERVICE_URL: up.url, STORAGE_SERVICE_URL: up.url },
    });

    const response = await fetch(`${gateway.url}/health/ready`);

    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      status: 'degraded',
      details: {
        'auth-service': { status: 'degraded' },
        'chat-service': { status: 'up' },
        gateway: { status: 'up' },
      },
    });
  });

  it('takes a service whose health answers 500 for down, and says nothing of its address', async () => {
    await using broken = await startService((_request, response) => response.writeHead(500).end());
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: broken.url } });

    const text = await (await fetch(`${gateway.url}/health/ready`)).text();

    expect(JSON.parse(text)).toMatchObject({ details: { 'auth-service': { status: 'degraded' } } });
    expect(text).not.toContain(String(broken.port));
  });

  it('asks a service once for many readers at a time', async () => {
    let asked = 0;
    await using service = await startService((_request, response) => {
      asked++;
      response.end();
    });
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });

    await Promise.all(Array.from({ length: 20 }, () => fetch(`${gateway.url}/health/ready`)));

    expect(asked).toBe(1);
  });
});
