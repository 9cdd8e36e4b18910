import { hostname, networkInterfaces } from 'node:os';
import { createGateway } from '@app/gateway';
import { UpstreamRegistry } from '@app/proxy/internal';
import { AppModule } from '../../apps/gateway/src/app.module.js';
import { JWT_SECRET } from '../support/gateway.js';

const NO_LOGS = { write: () => {} };

/** The origins of each upstream, as the gateway would ask them; it does not listen. */
async function originsWith(given: Readonly<Record<string, string>>): Promise<Record<string, string[]>> {
  const variables = { JWT_SECRET, SHUTDOWN_DELAY_MS: '0', DRAIN_TIMEOUT_MS: '0', ...given };
  const app = await createGateway(AppModule, { variables, logs: NO_LOGS });
  const { upstreams } = app.get(UpstreamRegistry, { strict: false });
  await app.close();
  return Object.fromEntries(
    upstreams.map(({ name, instances }) => [name, instances.all.map(({ origin }) => origin)]),
  );
}

const COMPOSE = {
  'auth-service': ['http://auth-service:8080'],
  'chat-service': ['http://chat-service:8082'],
  'video-service': ['http://video-service:8083'],
  'storage-service': ['http://storage-service:8080'],
};

const LOCAL = {
  'auth-service': ['http://localhost:8081'],
  'chat-service': ['http://localhost:8082'],
  'video-service': ['http://localhost:8083'],
  'storage-service': ['http://localhost:8084'],
};

describe('the four services', () => {
  it.each([
    ['production', COMPOSE],
    ['staging', COMPOSE],
    ['local', COMPOSE],
    ['development', LOCAL],
    ['', LOCAL],
  ])('are where ENV=%s has them', async (ENV, origins) => {
    expect(await originsWith({ ENV })).toEqual(origins);
  });

  it('are where their variables say, each by its own', async () => {
    const VIDEO_SERVICE_URL = 'http://video.example:1,https://video.example';

    expect(await originsWith({ ENV: 'production', VIDEO_SERVICE_URL })).toEqual({
      ...COMPOSE,
      'video-service': ['http://video.example:1', 'https://video.example'],
    });
  });
});

describe("the gateway's own address", () => {
  const ofInterfaces = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .filter(({ scopeid }) => !scopeid)
    .map(({ address, family }) => (family === 'IPv6' ? `[${address}]` : address));

  it.each([
    ['localhost', ['localhost']],
    ['an IPv4 loopback address', ['127.0.0.1', '127.9.9.9']],
    ['the IPv6 loopback address', ['[::1]']],
    ['any address', ['0.0.0.0', '[::]']],
    ["the machine's name", [hostname()]],
    ["any of the machine's addresses", ofInterfaces],
  ])('is refused as %s', async (_name, hosts) => {
    for (const host of hosts) {
      const CHAT_SERVICE_URL = `http://chat.example,http://${host}:8085`;

      await expect(originsWith({ PORT: '8085', CHAT_SERVICE_URL })).rejects.toThrow(
        `chat-service points at the gateway itself: http://${host.toLowerCase()}:8085`,
      );
    }
    expect(hosts).not.toEqual([]);
  });

  it.each([
    ['80', 'http://localhost'],
    ['443', 'https://localhost'],
  ])('is refused without its port where that is %s', async (PORT, CHAT_SERVICE_URL) => {
    await expect(originsWith({ PORT, CHAT_SERVICE_URL })).rejects.toThrow('points at the gateway itself');
  });

  it('is not what another port of this machine is, nor the same port of another', async () => {
    const addresses = ['http://127.0.0.1:8086', 'http://chat.example:8085'];

    const origins = await originsWith({ PORT: '8085', CHAT_SERVICE_URL: addresses.join(',') });

    expect(origins['chat-service']).toEqual(addresses);
  });
});
