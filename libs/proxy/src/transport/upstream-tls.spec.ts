import { writeFile } from 'node:fs/promises';
import { Certificates, type Certificate } from '../../../../test/support/certificates.js';
import { UpstreamTls } from './upstream-tls.js';

const POLL_MS = 1_000;

describe('the server name of an instance', () => {
  it.each([
    ['auth-service', 'auth-service'],
    ['auth.internal.', 'auth.internal'],
    ['10.0.0.1', ''],
    ['::1', ''],
  ])('is the host %s without its last dot, and none for an address: "%s"', (host, servername) => {
    expect(new UpstreamTls({}, POLL_MS, () => {}).optionsFor(host)).toMatchObject({ servername });
  });

  it.each(['auth-service', '10.0.0.1'])('is the configured one for every host: %s', (host) => {
    const tls = new UpstreamTls({ serverName: 'auth.internal' }, POLL_MS, () => {});

    expect(tls.optionsFor(host)).toMatchObject({ servername: 'auth.internal' });
  });
});

describe('the TLS files of an upstream', () => {
  let certificates: Certificates;
  let authority: Certificate;
  let other: Certificate;
  let changes: string[];
  let tls: UpstreamTls;

  const contextOf = () => tls.optionsFor('x').secureContext;
  /** Lets one poll pass. Its end is the timer of the next one. */
  const poll = async (): Promise<void> => {
    jest.advanceTimersByTime(POLL_MS);
    while (jest.getTimerCount() === 0) await new Promise((resolve) => setImmediate(resolve));
  };

  beforeAll(async () => {
    certificates = await Certificates.create();
    [authority, other] = await Promise.all([certificates.authority(), certificates.authority()]);
  });
  afterAll(() => certificates[Symbol.asyncDispose]());

  beforeEach(async () => {
    await Promise.all([
      writeFile(authority.certFile, authority.cert),
      writeFile(authority.keyFile, authority.key),
    ]);
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick'] });
    changes = [];
    const { certFile, keyFile } = authority;
    tls = new UpstreamTls({ caFile: certFile, certFile, keyFile }, POLL_MS, (error) =>
      changes.push(error?.message ?? 'in use'),
    );
    tls.start();
  });
  afterEach(() => {
    tls.stop();
    jest.useRealTimers();
  });

  it('are polled, not before their time, and stay in use while they are the same', async () => {
    const before = contextOf();

    jest.advanceTimersByTime(POLL_MS - 1);
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(1);
    expect(jest.getTimerCount()).toBe(0);
    await poll();

    expect([contextOf() === before, changes]).toEqual([true, []]);
  });

  it('are in use at the next poll after they changed', async () => {
    const before = contextOf();
    await Promise.all([writeFile(authority.certFile, other.cert), writeFile(authority.keyFile, other.key)]);

    await poll();
    await poll();

    expect([contextOf() === before, changes]).toEqual([false, ['in use']]);
  });

  it('stay in use while a new certificate is there before its key, and no error is told', async () => {
    const before = contextOf();
    await writeFile(authority.certFile, other.cert);
    await poll();
    expect([contextOf() === before, changes]).toEqual([true, []]);

    await writeFile(authority.keyFile, other.key);
    await poll();

    expect([contextOf() === before, changes]).toEqual([false, ['in use']]);
  });

  it('stay in use if the new ones cannot be used, which is told once, at the second poll', async () => {
    const before = contextOf();
    await writeFile(authority.certFile, 'x');

    for (const [polls, told] of [
      [1, 0],
      [2, 1],
      [3, 1],
      [4, 1],
    ] as const) {
      await poll();
      expect([polls, changes.length]).toEqual([polls, told]);
    }

    expect(changes[0]).toContain('holds no certificate in PEM');
    expect(contextOf()).toBe(before);
  });

  it('that became unusable, whole and unusable again are told again', async () => {
    for (const text of ['x', authority.cert, 'x']) {
      await writeFile(authority.certFile, text);
      await poll();
      await poll();
    }

    expect(changes).toHaveLength(2);
  });

  it('are not used if they change while the upstream is stopped, nor polled again', async () => {
    const before = contextOf();
    await Promise.all([writeFile(authority.certFile, other.cert), writeFile(authority.keyFile, other.key)]);
    jest.advanceTimersByTime(POLL_MS);
    const reading = jest.getTimerCount();

    tls.stop();
    // As long as a poll of the same files takes.
    const same = new UpstreamTls({ caFile: authority.certFile }, POLL_MS, () => {});
    same.start();
    await poll();
    same.stop();

    expect([reading, contextOf() === before, changes, jest.getTimerCount()]).toEqual([0, true, [], 0]);
  });
});

describe('an upstream without TLS files', () => {
  it('polls nothing', () => {
    jest.useFakeTimers();
    new UpstreamTls({ serverName: 'x' }, POLL_MS, () => {}).start();

    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });
});
