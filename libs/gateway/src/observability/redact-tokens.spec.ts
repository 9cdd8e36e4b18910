import { redactTokens } from './redact-tokens.js';

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl';

describe('redactTokens', () => {
  it.each([
    ['', ''],
    ['/v1/auth/profile', '/v1/auth/profile'],
    [JWT, '[redacted]'],
    [`/nowhere/${JWT}/x`, '/nowhere/[redacted]/x'],
    [`/${JWT.replaceAll('.', '%2e')}`, '/[redacted]'],
    [`/${JWT.replace('.', '%2E')}`, '/[redacted]'],
    [`/${JWT}/${JWT}`, '/[redacted]/[redacted]'],
    [`/${JWT}.${JWT}`, '/[redacted].[redacted]'],
    [`/a.b.${JWT}`, '/a.b.[redacted]'],
    ['/nowhere/v1.2.3-and-more-of-it', '/nowhere/v1.2.3-and-more-of-it'],
    ['/aaaaaaaa.bbb.cccccccc-and-more', '/aaaaaaaa.bbb.cccccccc-and-more'],
    ['/aaaaaaaa.bbbb.ccccccc/and-more', '/aaaaaaaa.bbbb.ccccccc/and-more'],
    ['/aaaaaaaa..cccccccc.dddddddd', '/aaaaaaaa..cccccccc.dddddddd'],
    ['/a-file-with-a-long-name.tar.gz', '/a-file-with-a-long-name.tar.gz'],
    ['/%2e%2e%2e%2e%2e%2e%2e%2e%2e%2e%2e', '/%2e%2e%2e%2e%2e%2e%2e%2e%2e%2e%2e'],
    ['/12345678.12345678%2', '/12345678.12345678%2'],
  ])('of %s is %s', (text, redacted) => expect(redactTokens(text)).toBe(redacted));
});
