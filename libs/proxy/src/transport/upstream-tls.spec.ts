import { UpstreamTls } from './upstream-tls.js';

describe('the server name of an instance', () => {
  it.each([
    ['auth-service', 'auth-service'],
    ['auth.internal.', 'auth.internal'],
    ['10.0.0.1', ''],
    ['::1', ''],
  ])('is the host %s without its last dot, and none for an address: "%s"', (host, servername) => {
    expect(new UpstreamTls({}, 1_000, () => {}).optionsFor(host)).toMatchObject({ servername });
  });

  it.each(['auth-service', '10.0.0.1'])('is the configured one for every host: %s', (host) => {
    const tls = new UpstreamTls({ serverName: 'auth.internal' }, 1_000, () => {});

    expect(tls.optionsFor(host)).toMatchObject({ servername: 'auth.internal' });
  });
});
