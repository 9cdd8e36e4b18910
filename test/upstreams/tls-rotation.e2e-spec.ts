import { X509Certificate } from 'node:crypto';
import { copyFile, mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Certificates, type Certificate } from '../support/certificates.js';
import { startGateway, type LogLine, type RunningGateway } from '../support/gateway.js';
import { startSecureChat, statusesOf } from '../support/secure-chat.js';

const SERVED = [200, 200, 101];
const REFUSED = [502, 502, 502];

const IN_USE = 'new TLS files in use';
const UNUSABLE = 'TLS files unusable';

/** A file takes another's place at once, as `mv` does it. */
async function replace(file: string, by: string): Promise<void> {
  await copyFile(by, `${file}.new`);
  await rename(`${file}.new`, file);
}

/** A folder as Kubernetes mounts a secret: each file a link into `..data`, and that a link to the present version. */
class MountedSecret {
  private version = 0;

  private constructor(private readonly folder: string) {}

  static async create(folder: string, content: Certificate): Promise<MountedSecret> {
    const secret = new MountedSecret(folder);
    await mkdir(folder);
    await secret.publish(content);
    for (const name of ['tls.crt', 'tls.key']) await symlink(join('..data', name), join(folder, name));
    return secret;
  }

  get certFile(): string {
    return join(this.folder, 'tls.crt');
  }

  get keyFile(): string {
    return join(this.folder, 'tls.key');
  }

  async publish({ cert, key }: Certificate): Promise<void> {
    const version = `..${++this.version}`;
    await mkdir(join(this.folder, version));
    await writeFile(join(this.folder, version, 'tls.crt'), cert);
    await writeFile(join(this.folder, version, 'tls.key'), key);
    await symlink(version, join(this.folder, '..data_tmp'));
    await rename(join(this.folder, '..data_tmp'), join(this.folder, '..data'));
  }
}

function linesOf({ logs }: RunningGateway): LogLine[] {
  return logs.filter(({ message }) => message === IN_USE || message === UNUSABLE);
}

const fingerprintOf = ({ cert }: Certificate): string => new X509Certificate(cert).fingerprint256;

describe('TLS files that change while the gateway runs', () => {
  it('are in use for new connections: another CA file', async () => {
    await using certificates = await Certificates.create();
    const [before, after] = [await certificates.authority(), await certificates.authority()];
    const caFile = join(certificates.folder, 'ca.pem');
    await copyFile(before.certFile, caFile);
    await using service = await startSecureChat(before);
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, CHAT_SERVICE_TLS_CA_FILE: caFile },
    });
    expect(await statusesOf(gateway)).toEqual(SERVED);

    service.use(after);
    service.closeConnections();
    expect(await statusesOf(gateway)).toEqual(REFUSED);
    await replace(caFile, after.certFile);
    expect(await gateway.logged({ message: IN_USE })).toMatchObject({
      level: 'info',
      upstream: 'chat-service',
    });

    expect(await statusesOf(gateway)).toEqual(SERVED);
    service.use(before);
    service.closeConnections();
    expect(await statusesOf(gateway)).toEqual(REFUSED);
  });

  it('are in use for new connections, checks too: another client certificate', async () => {
    await using certificates = await Certificates.create();
    const [ca, ofClients] = [await certificates.authority(), await certificates.authority()];
    const own = await certificates.issue(ca);
    const [before, after] = [await certificates.issue(ofClients), await certificates.issue(ofClients)];
    const secret = await MountedSecret.create(join(certificates.folder, 'secret'), before);
    await using service = await startSecureChat({
      cert: own.cert,
      key: own.key,
      ca: ofClients.cert,
      requestCert: true,
    });
    await using gateway = await startGateway({
      env: {
        CHAT_SERVICE_URL: service.url,
        CHAT_SERVICE_TLS_CA_FILE: ca.certFile,
        CHAT_SERVICE_TLS_CERT_FILE: secret.certFile,
        CHAT_SERVICE_TLS_KEY_FILE: secret.keyFile,
        HEALTH_CHECK_INTERVAL_MS: '50',
      },
    });
    expect(await statusesOf(gateway)).toEqual(SERVED);
    expect(new Set(service.fingerprints)).toEqual(new Set([fingerprintOf(before)]));

    await secret.publish(after);
    await gateway.logged({ message: IN_USE });
    service.closeConnections();
    const count = service.fingerprints.length;
    expect(await statusesOf(gateway)).toEqual(SERVED);
    // A request, a socket, and a check after each.
    while (service.fingerprints.length < count + 6) await new Promise(setImmediate);

    // A check may have been on its way.
    expect(new Set(service.fingerprints.slice(count + 1))).toEqual(new Set([fingerprintOf(after)]));
  });

  it('are reported each time that they become unusable', async () => {
    await using certificates = await Certificates.create();
    const own = await certificates.authority();
    const [garbage, caFile] = [join(certificates.folder, 'garbage'), join(certificates.folder, 'ca.pem')];
    await writeFile(garbage, 'garbage');
    await copyFile(own.certFile, caFile);
    await using service = await startSecureChat(own);
    await using gateway = await startGateway({
      env: { CHAT_SERVICE_URL: service.url, CHAT_SERVICE_TLS_CA_FILE: caFile },
    });
    const reported = async (count: number): Promise<void> => {
      while (linesOf(gateway).length < count) await gateway.nextLine();
    };

    await replace(caFile, garbage);
    await reported(1);
    await writeFile(own.certFile, `${own.cert}${own.cert}`);
    await replace(caFile, own.certFile);
    await reported(2);
    await replace(caFile, garbage);
    await reported(3);

    expect(linesOf(gateway).map(({ message }) => message)).toEqual([UNUSABLE, IN_USE, UNUSABLE]);
    expect(await statusesOf(gateway)).toEqual(SERVED);
  });

  it('are left alone, with one error in the log, until they fit together', async () => {
    await using certificates = await Certificates.create();
    const ca = await certificates.authority();
    const own = await certificates.issue(ca);
    const [before, after] = [await certificates.issue(ca), await certificates.issue(ca)];
    const [certFile, keyFile] = [before.certFile, before.keyFile];
    await using service = await startSecureChat({
      cert: own.cert,
      key: own.key,
      ca: ca.cert,
      requestCert: true,
    });
    await using gateway = await startGateway({
      env: {
        CHAT_SERVICE_URL: service.url,
        CHAT_SERVICE_TLS_CA_FILE: ca.certFile,
        CHAT_SERVICE_TLS_CERT_FILE: certFile,
        CHAT_SERVICE_TLS_KEY_FILE: keyFile,
      },
    });

    await replace(certFile, after.certFile);
    const line = await gateway.logged({ message: UNUSABLE });
    expect(await statusesOf(gateway)).toEqual(SERVED);
    await replace(keyFile, after.keyFile);
    await gateway.logged({ message: IN_USE });
    service.closeConnections();
    expect(await statusesOf(gateway)).toEqual(SERVED);

    expect(line).toMatchObject({
      level: 'error',
      upstream: 'chat-service',
      reason: `${keyFile} holds the key of another certificate than that in ${certFile}`,
    });
    expect(linesOf(gateway).map(({ message }) => message)).toEqual([UNUSABLE, IN_USE]);
    expect([...new Set(service.fingerprints)]).toEqual([fingerprintOf(before), fingerprintOf(after)]);
  });
});
