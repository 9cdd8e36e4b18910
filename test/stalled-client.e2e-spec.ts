import type { ServerResponse } from 'node:http';
import { Controller, Get, Module, Res } from '@nestjs/common';
import { SHORT_CLOCKS } from './support/clocks.js';
import { startGateway } from './support/gateway.js';
import { RawClient } from './support/raw-client.js';
import { rawRequest } from './support/raw-request.js';
import { startService } from './support/service.js';

/** More than the buffers of both ends can take. */
const LARGE = Buffer.alloc(32 * 1024 * 1024);

@Controller('large')
class LargeController {
  @Get()
  read(@Res() response: ServerResponse): void {
    response.end(LARGE);
  }
}

@Module({ controllers: [LargeController] })
class LargeModule {}

describe('a client that does not read its answer', () => {
  it.each([
    ["a controller's", 'GET /large'],
    ["a service's", 'GET /v1/auth/profile'],
  ])('is cut off after the idle time: %s', async (_name, target) => {
    await using service = await startService((_request, response) => response.end(LARGE));
    await using gateway = await startGateway({
      modules: [LargeModule],
      env: { AUTH_SERVICE_URL: service.url, ...SHORT_CLOCKS },
    });
    await using client = await RawClient.connect(gateway.port);
    client.socket.pause();
    client.write(rawRequest(target));

    const line = await gateway.logged({ message: 'request' });

    expect(line).toMatchObject({ status: 499, error_code: 'CLIENT_STALLED' });
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    expect(metrics).toContain('http_requests_in_flight{service="api-gateway"} 1\n');
  });
});
