import { requestHeadersFor, type ForwardedFacts } from './request-headers.js';

const FACTS: ForwardedFacts = {
  requestId: 'id-1',
  peerAddress: '192.0.2.1',
  peerTrusted: false,
  protocol: 'http',
  host: 'api.example',
};

const OWN = [
  'X-Request-ID',
  'id-1',
  'X-Forwarded-For',
  '192.0.2.1',
  'X-Forwarded-Proto',
  'http',
  'X-Forwarded-Host',
  'api.example',
];

const carried = (raw: string[], connection?: string, facts: Partial<ForwardedFacts> = {}): string[] =>
  requestHeadersFor(raw, connection, { ...FACTS, ...facts });

describe('requestHeadersFor', () => {
  it('keeps names, order, duplicates and bytes, and adds its own at the end', () => {
    const raw = ['hOST', 'api.example', 'X-One', '1', 'Accept', 'caf\u00e9', 'x-one', '2', 'Cookie', 'a'];

    expect(carried(raw)).toEqual([...raw, ...OWN]);
  });

  it.each([
    'Connection',
    'Keep-Alive',
    'Proxy-Connection',
    'Proxy-Authenticate',
    'Proxy-Authorization',
    'TE',

    'Transfer-Encoding',
    'Upgrade',
    'Expect',
    'Trailer',
    'X-Request-ID',
    'X-Forwarded-For',
    'X-Forwarded-Proto',

    'X-Forwarded-Host',
    'X-Forwarded-Port',
    'X-Forwarded-Prefix',
    'X-Forwarded',
    'X-Real-IP',
    'Forwarded',
    'X-User-Id',
    'X_User_Id',
    'x-user_role',
    'X_Forwarded_For',
    'X_Request_Id',
  ])('drops %s of a stranger, in any case', (name) => {
    expect(carried([name, 'x'])).toEqual(OWN);
    expect(carried([name.toUpperCase(), 'x', name.toLowerCase(), 'y'])).toEqual(OWN);
  });

  it.each(['X-User-Id', 'X_Forwarded_For', 'X_Real_IP', 'x-user_role'])(
    'drops %s of a trusted proxy too',
    (name) => {
      expect(carried([name, 'x'], undefined, { peerTrusted: true })).toEqual(OWN);
    },
  );

  it('goes on from what a trusted proxy says', () => {
    const raw = [
      'X-Forwarded-For',
      '203.0.113.7',
      'x-forwarded-for',
      '10.0.0.1',
      'X-Forwarded-Proto',
      'https',
      'X-Forwarded-Host',
      'www.example',
      'X-Forwarded-Port',
      '443',
      'X-Real-IP',
      '203.0.113.7',
    ];

    expect(carried(raw, undefined, { peerTrusted: true })).toEqual([
      'X-Forwarded-Port',
      '443',
      'X-Real-IP',
      '203.0.113.7',
      'X-Request-ID',
      'id-1',
      'X-Forwarded-For',
      '203.0.113.7, 10.0.0.1, 192.0.2.1',
      'X-Forwarded-Proto',
      'https',
      'X-Forwarded-Host',
      'www.example',
    ]);
  });

  it('drops what Connection nominates, but never what frames or routes the message', () => {
    const raw = ['X-One', '1', 'Host', 'a', 'Content-Length', '5', 'Accept', 'x'];

    expect(carried(raw, 'x-one, Host, content-length, ACCEPT')).toEqual([
      'Host',
      'a',
      'Content-Length',
      '5',
      ...OWN,
    ]);
  });

  it('names no host where there is none', () => {
    expect(carried([], undefined, { host: '' })).toEqual(OWN.slice(0, -2));
  });
});
