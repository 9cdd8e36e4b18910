import { canonicalName } from '../transport/field-names.js';
import { acceptanceFault, KNOWN_NAMES, kindOf, selectorOf } from './name-kinds.js';
import { FORWARDING, FRAMING, IDENTITY, WRITTEN } from './trusted-names.js';

const exampleOf = (name: string): string => name.replace('*', 'a');

/** A name with other marks for `-`, and in capitals. */
const spellingsOf = (name: string): string[] =>
  [name, ...['_', '.', '~'].map((mark) => name.replaceAll('-', mark))].flatMap((each) => [
    each,
    each.toUpperCase(),
  ]);

describe('kindOf', () => {
  it.each([
    ['identity', IDENTITY],
    ['forwarding', FORWARDING],
    ['written', WRITTEN],
    ['framing', FRAMING],
  ])('is %s for each name of that table, however it is spelled', (kind, names) => {
    for (const name of names.map(exampleOf)) {
      for (const spelling of spellingsOf(name)) {
        expect([spelling, kindOf(canonicalName(spelling.toLowerCase()))]).toEqual([spelling, kind]);
      }
    }
  });

  it('has each name in one table, in its canonical form', () => {
    const names = [...IDENTITY, ...FORWARDING, ...WRITTEN, ...FRAMING];

    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*(-\*)?$/.test(name))).toEqual([]);
  });

  it.each([
    ['X-User', 'X-UserId', 'X-Username', 'X-Email'],
    ['X-Role', 'X-Roles', 'X-Role-Id', 'X-Groups', 'X-Scopes', 'X-Permissions'],
    ['X-Tenant-ID', 'X-TenantId', 'X-Account-Id', 'X-Org-Id', 'X-Scope-OrgID'],
    ['X-Subject', 'X-Principal', 'X-Principal-Name', 'X-Identity', 'X-Identity-Status'],
    ['X-Admin', 'X-Is-Admin', 'X-Claims', 'X-Claim-Role', 'X-Auth-Role'],
  ])('is identity for %s and others', (...names) => {
    const passed = names
      .flatMap(spellingsOf)
      .filter((name) => kindOf(canonicalName(name.toLowerCase())) !== 'identity');
    expect(passed).toEqual([]);
  });

  it.each([
    'x',
    'x-',
    'x--user-id',
    'x-users',
    'userid',
    'username',
    'user-agent',
    'x-user-agent',
    'x-requested-with',
    'x-api-key',
    'x-csrf-token',
    'x-auth-token',
    'x-auth-key',
    'x-session-id',
    'x-session-token',
    'x-access-token',
    'x-admin-token',
    'x-account-meta-color',
    'x-project-id',
    'x-client-id',
    'x-device-id',
    'x-correlation-id',
    'x-idempotency-key',
    'x-roleplay',
    'x-emails',
    'x-client-version',
    'authorization',
    'cookie',
    'proxy-authorization',
    'remote',
    'forwarder',
    'traceparent',
    'idempotency-key',
    'constructor',
    '',
  ])('is undefined for "%s"', (name) => expect(kindOf(name)).toBeUndefined());

  it.each([['-'], ['a-'], ['x-'], ['remote'], ['_']])(
    'takes time in proportion to a name of many %j',
    (part) => {
      const cpuOf = (length: number): number => {
        const name = `q-${part.repeat(length)}`;
        const times = Array.from({ length: 9 }, () => {
          const { user } = process.cpuUsage();
          for (let round = 0; round < 20; round++) kindOf(canonicalName(name));
          return process.cpuUsage().user - user;
        });
        return Math.min(...times);
      };
      cpuOf(1_024);

      // Sixteen times as long: quadratic would be 256.
      expect(cpuOf(16 * 1_024)).toBeLessThanOrEqual(Math.max(64 * cpuOf(1_024), 5_000));
    },
  );
});

describe('selectorOf', () => {
  it('selects every spelling of every name', () => {
    const isSelected = selectorOf(KNOWN_NAMES);

    const missed = KNOWN_NAMES.map(exampleOf)
      .flatMap(spellingsOf)
      .filter((spelling) => !isSelected(spelling));
    expect(missed).toEqual([]);
  });

  it('selects names of any length behind a start, and of one length alone without', () => {
    const isSelected = selectorOf(['ab-*', 'cd-ef']);

    expect(['ab-', 'ab-c', `ab-${'c'.repeat(100)}`, 'cd-ef', 'CD_EF'].map(isSelected)).not.toContain(false);
    expect(['', 'a', 'ab', 'cd-e', 'cd-efg', 'ef-gh'].map(isSelected)).not.toContain(true);
  });

  it('passes by the fields that browsers send with every request', () => {
    const isSelected = selectorOf(KNOWN_NAMES);
    const usual = ['Host', 'User-Agent', 'Accept', 'Accept-Encoding', 'Accept-Language', 'Cookie', 'DNT'];
    const fetched = [
      'Authorization',
      'Origin',
      'Content-Type',
      'Sec-Fetch-Site',
      'sec-ch-ua',
      'If-None-Match',
    ];

    expect([...usual, ...fetched].filter(isSelected)).toEqual([]);
  });
});

describe('acceptanceFault', () => {
  it.each([
    'X-HTTP-Method-Override',
    'x-user-id',
    'X-Tenant-ID',
    'Remote-User',
    'X_User_Id',
    'X-Forwarded-User',
  ])('finds none in %s', (name) => expect(acceptanceFault(name)).toBeUndefined());

  it.each([
    ['Transfer-Encoding', 'belongs to one connection'],
    ['Transfer_Encoding', 'frames the message'],
    ['Content-Length', 'frames the message'],
    ['content_length', 'frames the message'],
    ['Connection', 'belongs to one connection'],
    ['TE', 'belongs to one connection'],
    ['Upgrade', 'belongs to one connection'],
    ['Proxy-Authorization', 'belongs to one connection'],
    ['Host', 'belongs to one connection'],
    ['Trailer', 'is written by the gateway'],
    ['Expect', 'is written by the gateway'],
    ['X-Request-Id', 'is written by the gateway'],
    ['X_Forwarded_For', 'is written by the gateway'],
    ['X-Real-IP', 'is believed from trusted proxies alone'],
    ['Forwarded', 'is believed from trusted proxies alone'],
    ['X-Custom', 'is not dropped'],
    ['Authorization', 'is not dropped'],
    ['X-User-*', 'is no header name'],
    ['X-User-Id\r\nX', 'is no header name'],
    ['', 'is no header name'],
  ])('finds in "%s" that it %s', (name, fault) => expect(acceptanceFault(name)).toBe(fault));
});
