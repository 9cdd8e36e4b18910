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
  ])('%j, asked by %s for %s, finds %s', (options, peer, forwardedFor, clientAddress, isPeerTrusted) => {
    expect(new TrustedProxies(options).resolve(peer, forwardedFor)).toMatchObject({
      clientAddress,
      isPeerTrusted,
    });
  });
});

describe('a chain that a stranger began', () => {
  it.each<[TrustOptions, string, string]>([
    [hops(1), '10.9.9.9', '10.9.9.9'],
    [hops(1), '127.0.0.1, 10.9.9.9, 203.0.113.7', '203.0.113.7'],
    [hops(2), '127.0.0.1, 203.0.113.7, 10.0.0.2', '203.0.113.7'],
    [hops(3), '127.0.0.1, 203.0.113.7, 10.0.0.3, 10.0.0.2', '203.0.113.7'],
    [cidrs('10.0.0.0/8'), '10.9.9.9, 203.0.113.7', '203.0.113.7'],
    [cidrs('10.0.0.0/8'), '10.9.9.9, 203.0.113.7, 10.0.0.2, 10.0.0.3', '203.0.113.7'],
    [cidrs('10.0.0.0/8', 'fd00::/8'), '127.0.0.1, 2001:db8::7, fd00::2, 10.0.0.2', '2001:db8::7'],
    [cidrs('10.0.0.0/8'), 'unknown, 203.0.113.7', '203.0.113.7'],
  ])('%j believes of "%s" no more than %s', (options, forwardedFor, clientAddress) => {
    expect(new TrustedProxies(options).resolve('10.0.0.1', forwardedFor).clientAddress).toBe(clientAddress);
  });

  it.each([
    'unknown',
    '_hidden',
    '',
    ',',
    '203.0.113.7,',
    '203.0.113.7, ,',
    '203.0.113.7;198.51.100.1',
    '203.0.113.7 198.51.100.1',
    'for=203.0.113.7',
    '"203.0.113.7"',
    '203.0.113',
    '203.0.113.256',
    '0203.0.113.7',
    '0xcb.0.113.7',
    '3405803783',
    '203.0.113.0/24',
    '2001:db8::7::1',
    '2001:db8:::7',
    '[]',
    '[',
    ':80',
    '%eth0',
    '::ffff:203.0.113',
    'api.example',
  ])('that ends in "%s" says nothing', (forwardedFor) => {
    expect(new TrustedProxies(hops(2)).resolve('10.0.0.1', forwardedFor).clientAddress).toBe('10.0.0.1');
  });

  it.each([
    ['203.0.113.7, unknown, 10.0.0.2', '10.0.0.2'],
    ['203.0.113.7, , 10.0.0.2', '10.0.0.2'],
    ['203.0.113.7, 10.0.0.3, 999.0.0.1, 10.0.0.2', '10.0.0.2'],
  ])('and that has a hole, "%s", is believed as far as %s', (forwardedFor, clientAddress) => {
    for (const options of [hops(9), cidrs('10.0.0.0/8')]) {
      expect(new TrustedProxies(options).resolve('10.0.0.1', forwardedFor).clientAddress).toBe(clientAddress);
    }
  });
});

describe('the address of a peer', () => {
  it.each([
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['2001:db8::1', '2001:db8::1'],
    ['::1', '::1'],
    ['::ffff:a00:1', '10.0.0.1'],
  ])('that the connection calls %s is %s, believed or not', (remote, address) => {
    for (const options of [NONE, hops(1)]) {
      expect(new TrustedProxies(options).resolve(remote, undefined)).toMatchObject({
        peerAddress: address,
        clientAddress: address,
      });
    }
  });

  it.each([
    ['10.0.0.0/8', '10.255.255.255', true],
    ['10.0.0.0/8', '11.0.0.0', false],
    ['10.0.0.0/8', '::ffff:11.0.0.0', false],
    ['10.0.0.0/8', '::ffff:a00:1', true],
    ['10.0.0.0/8', 'a00::1', false],
    ['10.0.0.1', '10.0.0.1', true],
    ['10.0.0.1', '10.0.0.2', false],
    ['10.0.0.5/8', '10.9.9.9', true],
    ['::ffff:10.0.0.0/104', '10.9.9.9', true],
    ['::ffff:10.0.0.1', '::ffff:10.0.0.1', true],
    ['0.0.0.0/0', '203.0.113.7', true],
    ['0.0.0.0/0', '2001:db8::7', false],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:DB8::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['::1', '0:0:0:0:0:0:0:1', true],
    ['::1', '127.0.0.1', false],
    ['10.0.0.0/8', '', false],
  ])('%s has %s in it: %s', (range, remote, isPeerTrusted) => {
    expect(new TrustedProxies(cidrs(range)).resolve(remote, undefined).isPeerTrusted).toBe(isPeerTrusted);
  });

  it('is asked of every range', () => {
    const trusted = new TrustedProxies(cidrs('192.0.2.1', '10.0.0.0/8', 'fd00::/8'));

    for (const remote of ['192.0.2.1', '10.0.0.1', 'fd00::1']) {
      expect(trusted.resolve(remote, undefined).isPeerTrusted).toBe(true);
    }
    expect(trusted.resolve('192.0.2.2', undefined).isPeerTrusted).toBe(false);
  });

  it('is not looked for in a range that cannot be read', () => {
    expect(() => new TrustedProxies(cidrs('10.0.0.0/8', '10.0.0.0/x'))).toThrow('10.0.0.0/x');
  });
});

describe('isAddressRange', () => {
  it.each([
    '10.0.0.1',
    '10.0.0.0/8',
    '0.0.0.0/0',
    '::1',
    '2001:db8::/32',
    '::ffff:10.0.0.1',
    '::/0',
    '::1/128',
    '10.0.0.1/32',
  ])('%s is one', (text) => expect(isAddressRange(text)).toBe(true));

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
    '/8',
    '010.0.0.1',
    '10.0.0.0/x',
    '10.0.0.0/ 8',
    '10.0.0.0/0x8',
    '10.0.0.0/0008',
    ' 10.0.0.1',
    '10.0.0.1:80',
    '[::1]',
    '::1::',
  ])('"%s" is none', (text) => expect(isAddressRange(text)).toBe(false));
});

describe('one client', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['203.0.113.7:443', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::FFFF:203.0.113.7', '203.0.113.7'],
    ['[::ffff:203.0.113.7]:443', '203.0.113.7'],
    ['::ffff:cb00:7107', '203.0.113.7'],
    ['::ffff:203.0.113.7%eth0', '203.0.113.7'],
    ['0:0:0:0:0:ffff:203.0.113.7', '203.0.113.7'],
    ['0000:0000:0000:0000:0000:FFFF:CB00:7107', '203.0.113.7'],
    ['[0:0:0:0:0:ffff:cb00:7107]:443', '203.0.113.7'],
    ['0::ffff:203.0.113.7', '203.0.113.7'],
    ['::0:0:ffff:203.0.113.7', '203.0.113.7'],
    ['0:0::0:FFFF:cb00:7107', '203.0.113.7'],
    ['::ffff:0:203.0.113.7', '::ffff:0:203.0.113.7'],
    ['1::ffff:203.0.113.7', '1::ffff:203.0.113.7'],
    ['64:ff9b::203.0.113.7', '64:ff9b::203.0.113.7'],
    ['2001:DB8::7', '2001:db8::7'],
    ['[2001:db8::7]:443', '2001:db8::7'],
  ])('has one name: %s is %s', (claimed, clientAddress) => {
    expect(new TrustedProxies(hops(1)).resolve('10.0.0.1', claimed)).toMatchObject({ clientAddress });
  });

  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::1', '::1'],
    ['fe80::1%eth0', 'fe80::1'],
  ])('has that name where it is the peer itself: %s is %s', (peer, clientAddress) => {
    expect(new TrustedProxies(NONE).resolve(peer, undefined)).toMatchObject({ clientAddress });
  });

  it.each([
    '[2001:db8::77',
    '203.0.113.7:junk',
    '[2001:db8::7]junk',
    '203.0.113.7%x',
    '[203.0.113.7',
    'a:b:c',
    '0:ffff:203.0.113.7',
    '0:0:0:0:0:0:ffff:203.0.113.7',
    '0:0::0::ffff:203.0.113.7',
    ':0:0:0:0:ffff:203.0.113.7',
    '0:0:0:0:0:ffff:203.0.113.256',
  ])('is not what %s names', (claimed) => {
    expect(new TrustedProxies(hops(1)).resolve('10.0.0.1', claimed)).toMatchObject({
      clientAddress: '10.0.0.1',
    });
  });
});
