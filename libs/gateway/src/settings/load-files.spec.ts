import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { faultsOf } from '../../../../test/support/configuration-faults.js';
import { JWT_SECRET } from '../../../../test/support/jwt-secret.js';
import { loadSettings } from './load-settings.js';

describe('TLS towards services', () => {
  it('is set by the name of the service', () => {
    const { proxy } = loadSettings({
      JWT_SECRET,
      AUTH_SERVICE_TLS_SERVER_NAME: 'auth.internal',
      BILLING_PLUS_SERVICE_TLS_SERVER_NAME: ' billing.internal ',
      CHAT_SERVICE_TLS_SERVER_NAME: '',
    });

    expect([...proxy.tls]).toEqual([
      ['auth', { serverName: 'auth.internal' }],
      ['billing-plus', { serverName: 'billing.internal' }],
    ]);
  });

  it.each(['10.0.0.1', '::1', 'auth:8443', 'https://auth', '*.internal', 'a..b', '-a', 'a.', 'a b'])(
    'refuses a server name that is no DNS name: %s',
    (name) => {
      expect(faultsOf({ AUTH_SERVICE_TLS_SERVER_NAME: name })).toContain(
        `AUTH_SERVICE_TLS_SERVER_NAME is "${name}"; it takes a DNS name`,
      );
    },
  );

  it.each([
    ['CERT_FILE', 'KEY_FILE'],
    ['KEY_FILE', 'CERT_FILE'],
  ])('refuses a %s without a %s', (set, missing) => {
    expect(faultsOf({ [`AUTH_SERVICE_TLS_${set}`]: '/none' })).toContain(
      `AUTH_SERVICE_TLS_${set} is set without AUTH_SERVICE_TLS_${missing}`,
    );
  });

  it('does not read the TLS files of another machine', () => {
    expect(
      loadSettings({ JWT_SECRET, AUTH_SERVICE_TLS_CA_FILE: '/none' }, { checksTlsFiles: false }).proxy.tls
        .size,
    ).toBe(1);
    expect(faultsOf({ AUTH_SERVICE_TLS_CA_FILE: '/none' })).toContain(
      'AUTH_SERVICE_TLS_CA_FILE names a file that cannot be read: ENOENT',
    );
  });
});

describe('a secret in a file', () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'gateway-config-'))));
  afterEach(() => rm(folder, { recursive: true }));

  it('is read without the line break at its end', async () => {
    const file = join(folder, 'jwt');
    await writeFile(file, `${JWT_SECRET}\n`);

    expect(loadSettings({ JWT_SECRET_FILE: file }).auth.secret).toBe(JWT_SECRET);
  });

  it('may not be given twice', async () => {
    const file = join(folder, 'jwt');
    await writeFile(file, JWT_SECRET);

    expect(faultsOf({ JWT_SECRET_FILE: file })).toContain('JWT_SECRET and JWT_SECRET_FILE are both set');
  });

  it('that does not exist is one fault', () => {
    const message = faultsOf({ JWT_SECRET: undefined, JWT_SECRET_FILE: join(folder, 'none') });

    expect(message).toContain('JWT_SECRET_FILE names a file that cannot be read: ENOENT');
    expect(message).not.toContain('JWT_SECRET is not set');
  });

  it('that is too short is a fault', async () => {
    const file = join(folder, 'jwt');
    await writeFile(file, 'hush\n');

    expect(faultsOf({ JWT_SECRET: undefined, JWT_SECRET_FILE: file })).toContain(
      'JWT_SECRET has 4 characters',
    );
  });
});
