import { filterRequestHeaders, type ForwardedFacts } from './request-headers.js';

const FACTS: ForwardedFacts = {
  requestId: 'id-1',
  peerAddress: '192.0.2.1',
  isPeerTrusted: false,
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
  'X-Forwarded-Port',
  '80',
];

const carried = (raw: string[], connection?: string, facts: Partial<ForwardedFacts> = {}): string[] =>
  filterRequestHeaders(raw, connection, { ...FACTS, ...facts });

describe('filterRequestHeaders', () => {
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
    'X.User.Id',
    'X-Client-IP',
    'True-Client-IP',
    'True_Client_IP',
    'CF-Connecting-IP',
    'Fastly-Client-IP',
    'X-Cluster-Client-IP',
    'X-Remote-IP',
    'Transfer_Encoding',
    'Transfer.Encoding',
    'Content_Length',
    'content.length',
    'Content~Length',
  ])('drops %s of a stranger, in any case', (name) => {
    expect(carried([name, 'x'])).toEqual(OWN);
    expect(carried([name.toUpperCase(), 'x', name.toLowerCase(), 'y'])).toEqual(OWN);
  });

  it.each([
    'X-User-Id',
    'X_Forwarded_For',
    'X_Real_IP',
    'x-user_role',
    'X-Forwarded-User',
    'X-Forwarded-Access-Token',
    'X-Forwarded',
    'X-Forwarded-Uri',
    'X-Forwarded-Client-Cert',
    'X.User.Id',
    'X~User~Id',
    'Remote-User',
    'REMOTE_USER',
    'X-Remote-User',
    'X-Remote-Extra-Scopes',
    'X-Authenticated-User',
    'X-Auth-Request-Email',
    'X-WebAuth-User',
    'X-SSL-Client-S-DN',
    'SSL-Client-Cert',
    'SSL_CLIENT_VERIFY',
    'X-Client-Cert',
    'X-Client-Cert-Chain',
    'X-Original-URL',
    'X.Original.URL',
    'X-Rewrite-URL',
    'X-Original-Method',
    'X-HTTP-Method-Override',
    'X_HTTP_Method_Override',
    'X-HTTP-Method',
    'X-Method-Override',
    'Proxy',
    'Transfer_Encoding',
    'Content_Length',
    'X.Forwarded.For',
    'True_Client_IP',
    'CF.Connecting.IP',
  ])('drops %s of a trusted proxy too', (name) => {
    expect(carried([name, 'x'], undefined, { isPeerTrusted: true })).toEqual(OWN);
    expect(carried([name.toUpperCase(), 'x'], undefined, { isPeerTrusted: true })).toEqual(OWN);
  });

  it('keeps the real spelling of a field that frames the message', () => {
    expect(carried(['content-LENGTH', '5'])).toEqual(['content-LENGTH', '5', ...OWN]);
  });

  it('keeps what the upstream accepts, in that spelling alone', () => {
    const accepted = new Set(['x-http-method-override', 'remote_user']);
    const raw = ['X-HTTP-Method-Override', 'PUT', 'X_HTTP_Method_Override', 'GET', 'Remote_User', 'ada'];
    const dropped = ['Remote-User', 'eve', 'X-HTTP-Method', 'PUT', 'X-User-Id', '1'];

    expect(carried([...raw, ...dropped], undefined, { accepted })).toEqual([
      'X-HTTP-Method-Override',
      'PUT',
      'Remote_User',
      'ada',
      ...OWN,
    ]);
  });

  it.each([
    'x-forwarded-prefix',
    'X-Real-IP',
    'Forwarded',
    'X-Client-IP',
    'True-Client-IP',
    'CF-Connecting-IP',
    'Fastly-Client-IP',
    'X-Cluster-Client-IP',
  ])('keeps %s of a trusted proxy', (name) => {
    expect(carried([name, 'x'], undefined, { isPeerTrusted: true })).toEqual([name, 'x', ...OWN]);
  });

  it.each([
    'X-Usernames',
    'X_Users',
    'X-Real-IPs',
    'X-Request-ID2',
    'X-Forward',
    'Xylophone',
    'X',
    'Forwarder',
    'Trailed',
    'Expert',
    'Upgraded',
    'Upgrade-Insecure-Requests',
    'Keep_Alive',
    'Via',
  ])('keeps %s, which only looks like another', (name) => {
    expect(carried([name, 'x'])).toEqual([name, 'x', ...OWN]);
  });

  it('says itself what a trusted proxy leaves empty', () => {
    const raw = ['X-Forwarded-Proto', '', 'X-Forwarded-Host', ''];

    expect(carried(raw, undefined, { isPeerTrusted: true, protocol: 'https' })).toEqual([
      ...OWN.slice(0, 5),
      'https',
      ...OWN.slice(6, -1),
      '443',
    ]);
  });

  it.each(['Expect', 'Trailer', 'X-User-Id', 'X-Request-ID', 'Proxy-Authorization'])(
    'drops %s of a trusted proxy, whatever Connection nominates',
    (name) => {
      expect(carried([name, 'x', 'X-One', '1'], 'X-Two', { isPeerTrusted: true })).toEqual([
        'X-One',
        '1',
        ...OWN,
      ]);
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
      '8443',
      'X-Real-IP',
      '203.0.113.7',
    ];

    expect(carried(raw, undefined, { isPeerTrusted: true })).toEqual([
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
      'X-Forwarded-Port',
      '8443',
    ]);
  });

  it.each([
    [{ host: 'api.example' }, [], '80'],
    [{ host: 'api.example', protocol: 'https' as const }, [], '443'],
    [{ host: 'api.example:9090' }, [], '9090'],
    [{ host: '[2001:db8::1]' }, [], '80'],
    [{ host: '[2001:db8::1]:9090' }, [], '9090'],
    [{ host: 'api.example:' }, [], '80'],
    [{ host: '' }, [], '80'],
    [{}, ['X-Forwarded-Proto', 'https'], '443'],
    [{}, ['X-Forwarded-Proto', 'WSS'], '443'],
    [{}, ['X-Forwarded-Host', 'www.example:9443', 'X-Forwarded-Proto', 'https'], '9443'],
    [{}, ['X-Forwarded-Port', '8443', 'X-Forwarded-Host', 'www.example:9443'], '8443'],
    [{}, ['X-Forwarded-Port', '', 'X-Forwarded-Proto', 'https'], '443'],
    [{}, ['X-Forwarded-Port', '443, 80', 'X-Forwarded-Proto', 'https'], '443'],
    [{}, ['X-Forwarded-Port', '8443 , 80', 'X-Forwarded-Proto', 'https'], '8443'],
    [{}, ['X-Forwarded-Port', '70000', 'X-Forwarded-Proto', 'https'], '443'],
    [{}, ['X-Forwarded-Port', '0'], '80'],
    [{}, ['X-Forwarded-Host', 'a.example, internal:9000', 'X-Forwarded-Proto', 'https'], '443'],
    [{}, ['X-Forwarded-Host', '8080, internal:9000'], '80'],
    [{}, ['X-Forwarded-Host', 'a.example:8443 ,b'], '8443'],
    [{}, ['X-Forwarded-Host', '[::1], b:9000', 'X-Forwarded-Proto', 'https, http'], '443'],
    [{ host: 'api.example:65535' }, [], '65535'],
    [{ host: 'api.example:65536' }, [], '80'],
    [{ host: 'api.example:0', protocol: 'https' as const }, [], '443'],
    [{}, ['X-Forwarded-Port', '443\t', 'X_Forwarded_Port', '7'], '80'],
  ])('finds the port of %j behind a proxy that says %j', (facts, raw, port) => {
    const fields = carried(raw, undefined, { isPeerTrusted: true, ...facts });

    expect(fields.slice(-2)).toEqual(['X-Forwarded-Port', port]);
    expect(fields.filter((text) => /^x.forwarded.port$/i.test(text))).toHaveLength(1);
  });

  it('sends Forwarded if it is asked to, behind that of a trusted proxy, and in place of that of a stranger', () => {
    const raw = ['Forwarded', 'for=192.0.2.9', 'forwarded', 'for=192.0.2.8'];
    const forwarded = (facts: Partial<ForwardedFacts>): string[] => {
      const fields = carried(raw, undefined, { sendsForwarded: true, ...facts });
      return fields.filter((_, index) => index % 2 === 1 && fields[index - 1]!.toLowerCase() === 'forwarded');
    };
    const own = 'for=192.0.2.1;host=api.example;proto=http';

    expect(forwarded({})).toEqual([own]);
    expect(forwarded({ isPeerTrusted: true })).toEqual([`for=192.0.2.9, for=192.0.2.8, ${own}`]);
    expect(forwarded({ isPeerTrusted: true, sendsForwarded: false })).toEqual([
      'for=192.0.2.9',
      'for=192.0.2.8',
    ]);
    expect(forwarded({ sendsForwarded: false })).toEqual([]);
  });

  it('drops what Connection nominates, but never what is known to be end-to-end', () => {
    const kept = ['Host', 'a', 'Content-Length', '5', 'Accept', 'x', 'Authorization', 'y', 'Cookie', 'z'];

    expect(
      carried(['X-One', '1', ...kept], 'x-one, Host, content-length, ACCEPT, authorization, cookie'),
    ).toEqual([...kept, ...OWN]);
  });

  it('names no host where there is none', () => {
    expect(carried([], undefined, { host: '' })).toEqual([...OWN.slice(0, -4), ...OWN.slice(-2)]);
  });

  it('takes `_` for itself in what Connection nominates', () => {
    expect(carried(['X_Session', '1', 'X-Session', '2'], 'close, X_Session')).toEqual([
      'X-Session',
      '2',
      ...OWN,
    ]);
  });

  it('adds nothing to an empty X-Forwarded-For', () => {
    expect(
      carried(['X-Forwarded-For', '', 'X-Forwarded-For', '1.1.1.1'], undefined, { isPeerTrusted: true }),
    ).toContain('1.1.1.1, 192.0.2.1');
  });
});
