import { startGateway } from '../support/gateway.js';
import { travel } from '../support/journey.js';
import { startReferenceServices } from '../support/reference-services.js';

describe('a person who uses SecureConnect', () => {
  it('registers, logs in, talks, calls, moves a file, refreshes, logs out, and is then refused', async () => {
    await using services = await startReferenceServices();
    await using gateway = await startGateway({ env: services.env });

    const secrets = await travel(gateway);

    const logs = JSON.stringify(gateway.logs);
    expect(secrets.filter((secret) => logs.includes(secret))).toEqual([]);
  });
});
