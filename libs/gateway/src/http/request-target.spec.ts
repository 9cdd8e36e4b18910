import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { sentTargetOf, targetFault, toOriginForm } from './request-target.js';

function requestFor(url: string, host: string | undefined): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  request.url = url;
  if (host !== undefined) request.headers.host = host;
  return request;
}

const DIFFER = 'Request target and Host header differ';
const AUTHORITY = 'Request target has an invalid authority';
const USERINFO = 'Request target has userinfo';
const SCHEME = 'Request target has another scheme than http and https';
const FRAGMENT = 'Request target has a fragment';
const FORM = 'Request target must be a path or an absolute URI';

describe('toOriginForm', () => {
  it.each([
    ['/a?b=http://c', 'h', '/a?b=http://c'],
    ['//h/a', 'h', '//h/a'],
    ['http://h/', 'h', '/'],
    ['http://h', 'h', '/'],
    ['http://h?a', 'h', '/?a'],
    ['http://h/a?b#', undefined, undefined],
    ['http://h/a/b?c=d&e=http://f/', 'h', '/a/b?c=d&e=http://f/'],
    ['HTTP://h/a', 'h', '/a'],
    ['http://H.Example/A', 'h.eXample', '/A'],
    ['http://h:80/a', 'h', '/a'],
    ['http://h/a', 'h:80', '/a'],
    ['http://h:/a', 'h', '/a'],
    ['http://h/a', 'h:', '/a'],
    ['https://h:443/a', 'h', '/a'],
    ['https://h/a', 'h:443', '/a'],
    ['http://h:8080/a', 'h:8080', '/a'],
    ['http://[::1]:80/a', '[::1]', '/a'],
    ['http://[FE80::1]/a', '[fe80::1]', '/a'],
    ['http://127.0.0.1/a', '127.0.0.1', '/a'],
    ['http://h//a', 'h', '//a'],
    ['http://h/a@b', 'h', '/a@b'],
  ])('makes %s with Host %s %s', (url, host, target) => {
    const request = requestFor(url, host);

    toOriginForm(request);
    toOriginForm(request);

    expect(request.url).toBe(target ?? '*');
    expect(targetFault(request) === undefined).toBe(target !== undefined);
    expect(sentTargetOf(request)).toBe(url);
  });

  it.each([
    ['http://h/a', 'other', DIFFER],
    ['http://h/a', undefined, DIFFER],
    ['http://h.example/a', 'h', DIFFER],
    ['http://h./a', 'h', DIFFER],
    ['http://h:8080/a', 'h', DIFFER],
    ['http://h/a', 'h:8080', DIFFER],
    ['http://h:443/a', 'h', DIFFER],
    ['https://h:80/a', 'h', DIFFER],
    ['https://h/a', 'h:80', DIFFER],
    ['http://h:080/a', 'h', DIFFER],
    ['http://h:80:80/a', 'h', AUTHORITY],
    ['http://%68/a', 'h', DIFFER],
    ['http://h\u00e9/a', 'h\u00e9', AUTHORITY],
    ['http://h\\a/b', 'h', AUTHORITY],
    ['http://h,other/a', 'h', DIFFER],
    ['http://user@h/a', 'h', USERINFO],
    ['http://user:secret@h/a', 'h', USERINFO],
    ['http://@h/a', 'h', USERINFO],
    ['http://h@other/a', 'h', USERINFO],
    ['http:///a', 'h', AUTHORITY],
    ['http:///a', '', AUTHORITY],
    ['http://h#a', 'h', FRAGMENT],
    ['http://h/a#b', 'h', FRAGMENT],
    ['http://h/a?b#c', 'h', FRAGMENT],
    ['ftp://h/a', 'h', SCHEME],
    ['ws://h/a', 'h', SCHEME],
    ['file:///etc/passwd', 'h', SCHEME],
    ['*', 'h', FORM],
    ['h:443', 'h', FORM],
    ['http:/a', 'h', FORM],
    ['', 'h', FORM],
  ])('refuses %s with Host %s', (url, host, fault) => {
    const request = requestFor(url, host);

    toOriginForm(request);
    toOriginForm(request);

    expect(targetFault(request)).toBe(fault);
    expect(request.url).toBe('*');
    expect(sentTargetOf(request)).toBe(url);
  });

  it('refuses OPTIONS for the server as a whole', () => {
    const request = requestFor('http://h', 'h');
    request.method = 'OPTIONS';

    toOriginForm(request);

    expect([request.url, targetFault(request)]).toEqual(['*', 'Request target has no path']);
  });
});
