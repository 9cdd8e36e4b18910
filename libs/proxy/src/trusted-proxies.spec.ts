import { isAddressRange, TrustedProxies, type TrustOptions } from './trusted-proxies.js';

const NONE: TrustOptions = { kind: 'none' };
const hops = (count: number): TrustOptions => ({ kind: 'hops', hops: count });
const cidrs = (...ranges: string[]): TrustOptions => ({ kind: 'cidrs', cidrs: ranges });

describe('TrustedProxies', () => {
  it.each<[TrustOptions, string | undefined, string | undefined, string, boolean]>([
    [NONE, '10.0.0.1', '203.0.113.7', '10.0.0.1', false],
    [NONE, undefined, undefined, '', false],
    [hops(1), '10.0.0.1', undefined, '10.0.0.1', true],
    [hops(1), '10.0.0.1', '198.51.100.1, 203.0.113.7', '203.0.113.7', true],
    [hops(2), '10.0.0.1', '198.51.100.1, 203.0.113.7', '198.51.100.1', true],
    [hops(9), '10.0.0.1', '198.51.100.1, 203.0.113.7', '198.51.100.1', true],
    [cidrs('10.0.0.0/8'), '192.0.2.1', '203.0.113.7', '192.0.2.1', false],
    [cidrs('10.0.0.0/8'), '10.0.0.1', '198.51.100.1, 203.0.113.7', '203.0.113.7', true],
    [cidrs('10.0.0.0/8'), '10.0.0.1', '198.51.100.1, 10.9.9.9, 10.0.0.2', '198.51.100.1', true],
    [cidrs('10.0.0.0/8'), '10.0.0.1', '10.1.1.1, 10.2.2.2', '10.1.1.1', true],
    [cidrs('10.0.0.0/8'), '::ffff:10.0.0.1', '203.0.113.7', '203.0.113.7', true],
    [cidrs('fd00::/8'), 'fd00::1', '2001:db8::7', '2001:db8::7', true],
    [cidrs('fe80::/10'), 'fe80::1%eth0', '203.0.113.7', '203.0.113.7', true],
    [cidrs('::1', '127.0.0.1'), '127.0.0.1', '203.0.113.7', '203.0.113.7', true],
    [cidrs('10.0.0.0/8'), '10.0.0.1', '', '10.0.0.1', true],
    [cidrs('10.0.0.0/8'), '10.0.0.1', 'unknown', '10.0.0.1', true],
    [cidrs('10.0.0.0/8'), '10.0.0.1', '203.0.113.7, unknown', '10.0.0.1', true],
    [cidrs('10.0.0.0/8'), '10.0.0.1', '203.0.113.7, 1', '10.0.0.1', true],
    [cidrs('10.0.0.0/8'), '10.0.0.1', '203.0.113.7:5000', '203.0.113.7', true],
    [cidrs('10.0.0.0/8'), '10.0.0.1', '[2001:db8::7]:5000', '2001:db8::7', true],
    [cidrs('10.0.0.0/8'), '10.0.0.1', ' 203.0.113.7 ', '203.0.113.7', true],
    [cidrs('10.0.0.0/8'), '10.0.0.1', '203.0.113.7, ::ffff:10.0.0.2', '203.0.113.7', true],
  ])('%j, asked by %s for %s, finds %s', (options, peer, forwardedFor, clientAddress, peerTrusted) => {
    expect(new TrustedProxies(options).resolve(peer, forwardedFor)).toMatchObject({
      clientAddress,
      peerTrusted,
    });
  });
});

describe('isAddressRange', () => {
  it.each(['10.0.0.1', '10.0.0.0/8', '0.0.0.0/0', '::1', '2001:db8::/32', '::ffff:10.0.0.1'])(
    '%s is one',
    (text) => expect(isAddressRange(text)).toBe(true),
  );

  it.each([
    '',
    ' ',
    '10',
    '10/8',
    '10.0.0/8',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '::1/129',
    'nginx',
  ])('"%s" is none', (text) => expect(isAddressRange(text)).toBe(false));
});
