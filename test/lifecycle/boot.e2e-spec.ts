import { helpText } from '@app/gateway/internal';
import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Certificates } from '../support/certificates.js';
import { GatewayProcess } from '../support/process.js';
import { describeWithBuild } from '../support/requirements.js';
import { freePort } from '../support/free-port.mjs';

describeWithBuild('starting the gateway', () => {
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

  it('prints every fault of its TLS files at once, a line each, and nothing that they hold', async () => {
    await using certificates = await Certificates.create();
    const [own, other] = [await certificates.authority(), await certificates.authority()];
    const garbage = join(certificates.folder, 'garbage');
    await writeFile(garbage, 'c2VjcmV0');
    const encrypted = await certificates.encryptedKey('a passphrase');
    const halfFile = join(certificates.folder, 'half');
    await writeFile(halfFile, own.cert.replace(/^M\w{9}/m, 'Zm9vYmFyMD'));
    await using gateway = GatewayProcess.start({
      PORT: 'eighty',
      AUTH_SERVICE_TLS_CA_FILE: join(certificates.folder, 'none'),
      AUTH_SERVICE_TLS_CERT_FILE: own.keyFile,
      AUTH_SERVICE_TLS_KEY_FILE: garbage,
      CHAT_SERVICE_TLS_CA_FILE: certificates.folder,
      CHAT_SERVICE_TLS_CERT_FILE: own.certFile,
      CHAT_SERVICE_TLS_KEY_FILE: other.keyFile,
      VIDEO_SERVICE_TLS_CERT_FILE: halfFile,
      VIDEO_SERVICE_TLS_KEY_FILE: encrypted,
      STORAGE_SERVICE_TLS_KEY_FILE: own.keyFile,
    });

    expect(await gateway.exited).toBe(78);
    expect(gateway.stderr.trim().split('\n')).toEqual([
      'The gateway cannot start with this configuration:',
      '  - PORT is "eighty"; it takes a port, 0 to 65535',
      '  - AUTH_SERVICE_TLS_CA_FILE names a file that cannot be read: ENOENT',
      '  - AUTH_SERVICE_TLS_CERT_FILE names a file that holds no certificate in PEM',
      '  - AUTH_SERVICE_TLS_KEY_FILE names a file that holds no private key in PEM',
      '  - CHAT_SERVICE_TLS_CA_FILE names a file that cannot be read: EISDIR',
      `  - CHAT_SERVICE_TLS_KEY_FILE names a file that holds the key of another certificate than that in ${own.certFile}`,
      '  - VIDEO_SERVICE_TLS_CERT_FILE names a file that holds a certificate that cannot be read',
      '  - VIDEO_SERVICE_TLS_KEY_FILE names a file that holds a key with a passphrase; it must have none',
      '  - STORAGE_SERVICE_TLS_KEY_FILE is set without STORAGE_SERVICE_TLS_CERT_FILE; a client certificate takes both',
    ]);
  });

  it.each([
    [
      { BILLING_SERVICE_TLS_SERVER_NAME: 'billing' },
      'There are TLS settings for billing, and no upstream has that name',
    ],
    [
      { CHAT_SERVICE_URL: 'http://localhost:9', CHAT_SERVICE_TLS_SERVER_NAME: 'chat' },
      'chat-service has TLS settings, and no https:// instance',
    ],
    [
      { CHAT_SERVICE_URL: 'dns://localhost:9', CHAT_SERVICE_TLS_SERVER_NAME: 'chat' },
      'chat-service has TLS settings, and no https:// instance',
    ],
  ])('refuses TLS settings that would have no effect: %j', async (env, fault) => {
    await using gateway = GatewayProcess.start(env);

    expect(await gateway.exited).toBe(78);
    expect(gateway.stderr.trim()).toBe(fault);
  });

  const startFailing = (failure: string): GatewayProcess =>
    GatewayProcess.start({ FAILURE: failure }, undefined, 'test/support/failing-gateway.mjs');

  it.each([
    ['host', 'shop, host: "a b" is no host with a port or without\n'],
    ['no gateway', 'The application has no gateway: its root module must import GatewayModule.forRoot()\n'],
  ])(
    'prints an error of the configuration, %s, without a stack, and exits with 78',
    async (failure, text) => {
      await using gateway = startFailing(failure);

      expect(await gateway.exited).toBe(78);
      expect(gateway.stderr).toBe(text);
      expect(gateway.lines).not.toContainEqual(expect.objectContaining({ context: 'ExceptionHandler' }));
    },
  );

  it.each([
    ['text', /^vault is sealed\n$/],
    ['nothing', /^The gateway cannot start: an error without a reason\n$/],
    ['causes', /^Error: no options\n +at [^]*\nCaused by: Error: no vault\n +at [^]*\nCaused by: sealed\n$/],
  ])('prints the reason of any other failure, %s, and exits with 1', async (failure, text) => {
    await using gateway = startFailing(failure);

    expect(await gateway.exited).toBe(1);
    expect(gateway.stderr).toMatch(text);
  });

  it('logs the warnings of a boot that fails before it knows its settings', async () => {
    await using gateway = startFailing('causes');

    expect(await gateway.exited).toBe(1);
    expect(gateway.lines).toContainEqual(
      expect.objectContaining({ level: 'warn', context: 'Vault', message: 'the vault is slow' }),
    );
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

  it('warns of incompatible settings, and serves', async () => {
    await using gateway = GatewayProcess.start({ TRUST_PROXY: '0.0.0.0/0' });

    await gateway.logged('listening');
    expect(gateway.lines.filter(({ message }) => message === 'incompatible settings')).toEqual([
      expect.objectContaining({ level: 'warn', variables: ['TRUST_PROXY'] }),
    ]);
  });

  it('warns of a misspelt variable with the nearest name, and serves', async () => {
    await using gateway = GatewayProcess.start({ CONECT_TIMEOUT_MS: '1000', HOSE: 'x', UNRELATED: 'x' });

    await gateway.logged('listening');
    expect(gateway.lines.filter(({ nearest }) => nearest !== undefined)).toEqual([
      expect.objectContaining({
        level: 'warn',
        variable: 'CONECT_TIMEOUT_MS',
        nearest: 'CONNECT_TIMEOUT_MS',
      }),
    ]);
  });

  it.each([
    [{ PORT: '80a' }, 'The gateway cannot start: PORT is "80a"; it takes a port, 0 to 65535'],
    [{ DRAIN_NOTICE_MS: '1' }, 'The gateway cannot start: DRAIN_NOTICE_MS is now called SHUTDOWN_DELAY_MS'],
    [
      { AUTH_SERVICE_TLS_CA_FILE: '/nowhere/ca.pem' },
      'The gateway cannot start: AUTH_SERVICE_TLS_CA_FILE names a file that cannot be read: ENOENT',
    ],
  ])('prints one line, without a stack, for %j, and exits with 78', async (env, line) => {
    await using gateway = GatewayProcess.start(env);

    expect(await gateway.exited).toBe(78);
    expect(gateway.stderr).toBe(`${line}\n`);
  });

  it('prints one line, without a stack, if its port is in use, and exits with 1', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await using gateway = GatewayProcess.start({ PORT: String(port) });

    expect(await gateway.exited).toBe(1);
    expect(gateway.stderr).toBe(
      `The gateway cannot listen on port ${port} of 127.0.0.1: the port is in use (EADDRINUSE)\n`,
    );
    other.close();
  });

  it('prints one line, without a stack, if the address is of another machine, and exits with 1', async () => {
    await using gateway = GatewayProcess.start({ HOST: '192.0.2.1', PORT: '8085' });

    expect(await gateway.exited).toBe(1);
    expect(gateway.stderr).toMatch(/^The gateway cannot listen on port 8085 of 192\.0\.2\.1: .*\n$/);
  });

  it('prints its settings for --help', async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['dist/apps/gateway/src/main.js', '--help'],
      {
        env: {},
      },
    );

    expect(stdout).toBe(helpText());
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
