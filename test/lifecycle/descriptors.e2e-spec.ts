import { execFileSync } from 'node:child_process';
import { bearer, type LogLine } from '../support/gateway.js';
import { GatewayProcess } from '../support/process.js';
import { RawClient } from '../support/raw-client.js';
import { rawRequest } from '../support/raw-request.js';
import { describeWithBuild } from '../support/requirements.js';
import { startService } from '../support/service.js';

/** More failures than open the circuit of an upstream. */
const FAILURES = 40;

/** Standard input, output and error: with this limit no further descriptor can be had. */
const NONE_LEFT = 3;
const ENOUGH = 1_024;

/** Changes the soft limit alone, which may be raised again. */
function limitDescriptors({ pid }: GatewayProcess, limit: number): void {
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${limit}:`]);
}

describeWithBuild('a gateway without a descriptor left', () => {
  it('does not blame the service: requests pass as soon as there is one again', async () => {
    await using service = await startService((_request, response) => response.end('served'));
    await using gateway = GatewayProcess.start({ AUTH_SERVICE_URL: service.url, RATELIMIT: 'off' });
    const port = await gateway.port();
    await using client = await RawClient.connect(port);
    client.write('GET /health HTTP/1.1\r\nHost: gateway\r\n\r\n');
    await client.until(/healthy/);

    const failed = (): LogLine[] => gateway.lines.filter(({ path }) => path === '/v1/auth/profile');

    limitDescriptors(gateway, NONE_LEFT);
    for (let count = 1; count <= FAILURES; count++) {
      client.write(rawRequest('GET /v1/auth/profile'));
      while (failed().length < count) await gateway.nextLines();
    }
    const codes = new Set(failed().map(({ error_code }) => error_code));
    expect([...codes]).toEqual(['UPSTREAM_UNREACHABLE']);
    expect(failed()[0]!.cause).toMatch(/EMFILE/);
    limitDescriptors(gateway, ENOUGH);
    const response = await fetch(`http://127.0.0.1:${port}/v1/auth/profile`, { headers: bearer() });

    expect(await response.text()).toBe('served');
  });
});
