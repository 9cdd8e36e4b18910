import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { GatewayProcess } from './support/process.js';
import { freePort } from './support/service.js';

describe('starting the gateway', () => {
  it('prints every fault of its configuration at once, never a secret, and exits with 78', async () => {
    await using gateway = GatewayProcess.start({
      JWT_SECRET: 'too short',
      PORT: 'eighty',
      TRUST_PROXY: 'everybody',
    });

    expect(await gateway.exited).toBe(78);
    expect(gateway.stderr).toContain('JWT_SECRET has 9 characters; it takes at least 32 characters');
    expect(gateway.stderr).toContain('PORT is "eighty"; it takes a port, 0 to 65535');
    expect(gateway.stderr).toContain('TRUST_PROXY is "everybody"');
    expect(gateway.stderr).not.toContain('too short');
  });

  it('refuses a service that is the gateway itself', async () => {
    const port = await freePort();
    await using gateway = GatewayProcess.start({
      PORT: String(port),
      CHAT_SERVICE_URL: `http://localhost:${port}`,
    });

    expect(await gateway.exited).toBe(78);
    expect(gateway.stderr).toContain('chat-service points at the gateway itself');
  });

  it('says which of its settings do not fit each other, and serves', async () => {
    await using gateway = GatewayProcess.start({ TRUST_PROXY: '0.0.0.0/0' });

    await gateway.logged('listening');
    expect(gateway.lines.filter(({ message }) => message === 'settings do not fit each other')).toEqual([
      expect.objectContaining({ level: 'warn', variables: ['TRUST_PROXY'] }),
    ]);
  });

  it('says that its port is taken and exits with 1', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    await using gateway = GatewayProcess.start({ PORT: String((other.address() as AddressInfo).port) });

    expect(await gateway.exited).toBe(1);
    expect(gateway.stderr).toContain('EADDRINUSE');
    other.close();
  });

  it('serves on when its log cannot be written', async () => {
    const port = await freePort();
    await using gateway = GatewayProcess.start({ PORT: String(port) }, '/dev/full');

    await untilHealthy(port, gateway);
    const answers = await Promise.all(
      Array.from({ length: 50 }, async () => (await fetch(`http://127.0.0.1:${port}/health`)).status),
    );

    expect(new Set(answers)).toEqual(new Set([200]));
    gateway.signal('SIGTERM');
    expect(await gateway.exited).toBe(0);
  });
});

/** Its log is lost, so that only asking tells. @throws Error where the process ends before */
async function untilHealthy(port: number, gateway: GatewayProcess): Promise<void> {
  const ended = gateway.exited.then(() => {
    throw new Error(`The gateway ended: ${gateway.stderr}`);
  });
  ended.catch(() => {});
  const ask = (): Promise<number> =>
    fetch(`http://127.0.0.1:${port}/health`).then(
      (response) => response.status,
      () => 0,
    );
  while ((await Promise.race([ask(), ended])) !== 200);
}
