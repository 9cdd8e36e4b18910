import { formatRequestHead } from './request-head.js';

const NONE = { host: 'b:80', length: 0, closesConnection: false };

describe('the head of a request', () => {
  it('has the fields as they are, each on its line', () => {
    const fields = ['hOST', 'a.example', 'X', '', 'x', 'caf\xe9'];

    expect(formatRequestHead('GET', '/a?b', fields, NONE)).toBe(
      'GET /a?b HTTP/1.1\r\nhOST: a.example\r\nX: \r\nx: caf\xe9\r\nConnection: keep-alive\r\n\r\n',
    );
  });

  it('has the host of the instance if the client gave none', () => {
    expect(formatRequestHead('GET', '/', [], NONE)).toContain('\r\nHost: b:80\r\n');
  });

  it.each([
    ['POST', 0, [], 'Content-Length: 0'],
    ['PUT', 0, [], 'Content-Length: 0'],
    ['PATCH', 0, [], 'Content-Length: 0'],
    ['POST', 5, [], 'Content-Length: 5'],
    ['GET', 5, [], 'Content-Length: 5'],
    ['POST', 5, ['content-length', '5'], 'content-length: 5'],
    ['POST', undefined, [], 'Transfer-Encoding: chunked'],
    ['GET', undefined, [], 'Transfer-Encoding: chunked'],
  ])('of a %s with a body of %s bytes and %j says %s, once', (method, length, fields, line) => {
    const head = formatRequestHead(method, '/', fields, { host: 'b', length, closesConnection: false });

    expect(head.match(/content-length|transfer-encoding/gi)).toHaveLength(1);
    expect(head).toContain(`\r\n${line}\r\n`);
  });

  it.each(['GET', 'HEAD', 'DELETE', 'OPTIONS'])('of a %s without a body says nothing of one', (method) => {
    expect(formatRequestHead(method, '/', [], NONE)).not.toMatch(/content-length|transfer-encoding/i);
  });

  it('says that it is the last of its connection', () => {
    expect(formatRequestHead('HEAD', '/', [], { host: 'b', length: 0, closesConnection: true })).toContain(
      '\r\nConnection: close\r\n',
    );
  });
});
