import type { Exchange } from '@app/proxy';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { redactTokens } from './observability/redact-tokens.js';
import { ClientConnection } from './http/client-connection.js';
import { expectsContinue, expectsUnknown, grammarFault } from './http/request-grammar.middleware.js';
import { handshakeFault } from './websocket/handshake/client-handshake.js';
import { tokenOf } from './websocket/relay/relay-session.js';
import { nominatedEndToEnd } from '../../proxy/src/headers/end-to-end.js';
import { filterRequestHeaders } from '../../proxy/src/headers/request-headers.js';
import { responseHeadersFor, responseTrailersFor } from '../../proxy/src/headers/response-headers.js';
import { ResponseParser } from '../../proxy/src/transport/response-parser.js';
import { ALLOWABLE, isAllowedPath } from '../../proxy/src/routing/allowed-in-path.js';
import { RouteTable } from '../../proxy/src/routing/route-table.js';
import type { UpstreamRoute } from '../../proxy/src/routing/upstream-route.js';
import { isUnambiguousPath, isValidQuery } from '../../proxy/src/routing/path-rules.js';
import { hasBody } from '../../proxy/src/forward/announced-body.js';
import { TrustedProxies } from '../../proxy/src/http/trusted-proxies.js';
import { AccessTokenVerifier } from '../../auth/src/access-token.verifier.js';
import { moveToken, subprotocolsOf } from '../../auth/src/handshake-token.js';
import { AUTH_DEFAULTS } from '../../auth/src/auth.options.js';
import { Authenticator } from '../../auth/src/authenticator.js';
import type { RevocationStore } from '../../auth/src/revocation.store.js';
import { JwtService } from '@nestjs/jwt';

/** Bytes of a small input. */
const SMALL_BYTES = 1_000;
/** Size of a large input as a multiple of a small one. The headers of one request have room for a large one. */
const TIMES_THE_BYTES = 16;

/**
 * For the large input, linear work costs 16 times as much, quadratic work 256 times: the bound is the geometric mean.
 */
const MOST_TIMES_THE_COST = 64;

/** Number of runs, of which the cheapest counts, since other work on the machine only adds to the cost. */
const RUNS = 9;

/** Most measurements of a reader. The first linear one ends them: quadratic work is quadratic in each measurement. */
const ROUNDS = 5;

/** Shortest run, in CPU microseconds, so that the clock can measure it. */
const LEAST_US = 500;

function costOf(work: () => void): number {
  let calls = 1;
  while (leastOf(3, work, calls) < LEAST_US) calls *= 2;
  return leastOf(RUNS, work, calls) / calls;
}

function leastOf(runs: number, work: () => void, calls: number): number {
  return Math.min(...Array.from({ length: runs }, () => cpuOf(work, calls)));
}

function cpuOf(work: () => void, calls: number): number {
  const before = process.cpuUsage();
  for (let call = 0; call < calls; call++) work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** A text of this many bytes, made of copies of `unit`. */
const filled = (unit: string, bytes: number): string =>
  unit.repeat(Math.ceil(bytes / unit.length)).slice(0, bytes);

function requestWith(headers: Record<string, string>, url = '/'): IncomingMessage {
  const request = new IncomingMessage(new ClientConnection(new Socket()).socket);
  return Object.assign(request, {
    url,
    method: 'GET',
    headers: { host: 'a', ...headers },
    rawHeaders: Object.entries({ host: 'a', ...headers }).flat(),
    httpVersionMajor: 1,
    httpVersionMinor: 1,
  });
}

/** Header fields of this many bytes, each with another name. */
function manyFields(bytes: number, prefix = 'X-'): string[] {
  return Array.from({ length: Math.floor(bytes / 10) }, (_, index) => [`${prefix}${index}`, 'v']).flat();
}

const FACTS = {
  requestId: 'id',
  peerAddress: '10.0.0.1',
  isPeerTrusted: true,
  protocol: 'http',
  host: 'a',
} as const;

const proxies = new TrustedProxies({ kind: 'cidrs', cidrs: ['10.0.0.0/8', 'fd00::/8'] });

const jwt = new JwtService({ secret: 'a secret of the tests, long enough to be one' });
const tokenOptions = {
  secret: '',
  audience: 'a',
  issuer: 'b',
  claims: AUTH_DEFAULTS.claims,
  cachedTokens: 10,
  clockToleranceSeconds: 5,
};
const authenticator = new Authenticator(new AccessTokenVerifier(jwt, tokenOptions), {
  isRevoked: () => false,
} as unknown as RevocationStore);

function authenticate(authorization: string): void {
  try {
    void authenticator.authenticate({ request: requestWith({ authorization }) } as Exchange);
  } catch {
    // No text of this test is a valid token.
  }
}

/** The readers of bytes that a client, an upstream or a token chooses, each with its worst input, by test title. */
const READERS: Record<string, (bytes: number) => () => void> = {};

function reads(name: string, units: readonly string[], read: (text: string) => unknown): void {
  for (const unit of units) {
    READERS[`${name} of ${JSON.stringify(unit)}`] = (bytes) => {
      const text = filled(unit, bytes);
      return () => void read(text);
    };
  }
}

reads('the path in a log line', ['a', 'a-', 'aaaaaaaa.', 'aaaaaaaa.bbbb.', '%2e', 'a%2e', '.'], redactTokens);
reads('a path', ['/a', '/...', '/', '%C3%A9', '%2', '/a/..', '[|]'], (text) => isUnambiguousPath(`/${text}`));
reads(
  'a path that a route allows',
  ['/a', '//', '%25', '%2F', '%5C', ';', '%61', '..', '/..', '%C3%A9'],
  (text) => isAllowedPath(`/${text}`, ALLOWABLE),
);
/** A table in which each segment of a path has two or three ways to go on. */
const table = new RouteTable<UpstreamRoute>();
for (let way = 0; way < 64; way++) {
  const segments = Array.from(way.toString(2).padStart(6, '0')).map((bit, at) =>
    bit === '1' ? 'a' : `:p${at}`,
  );
  for (const end of ['x', '*rest']) {
    const path = `/${[...segments, end].join('/')}`;
    table.add({ options: { path, methods: ['GET'] }, upstream: 'x-service' });
  }
}
reads('a look-up', ['/a', '/', 'a', '%61', '/%61', '%2F', '/a/a/a/a/a/a/y'], (text) =>
  table.find(`/${text}`),
);
reads('a query', ['%&', 'a=b&', '#', '?'], (text) => isValidQuery(`/?${text}`));
reads('subprotocols', [' ', 'a,', ',', 'a '], (text) => subprotocolsOf(`a${text}b`));
reads('a handshake', [' ', 'a,', 'bearer.,', 'bearer. '], (text) =>
  handshakeFault(requestWith({ 'sec-websocket-key': text, 'sec-websocket-protocol': `a${text}b` })),
);
reads('the token of a subprotocol', [' ', 'bearer.,', 'bearer.a,', 'a,'], (text) =>
  moveToken(requestWith({ 'sec-websocket-protocol': `bearer.${text}x` })),
);
reads('the token of a query', ['%&', '&', 'token=%&', 'token&', '%74oken=%zz&', 'a=b&'], (text) =>
  moveToken(requestWith({}, `/?${text}`)),
);
reads('a renewal', ['{"a":', '[', '"', ' '], (text) => tokenOf(Buffer.from(`{"gateway:renew"${text}`)));
reads('a Host', ['a', 'a.', '[', ':', '1'], (text) => grammarFault(requestWith({ host: text })));
reads('an Expect', ['100-', '100-continue', ' ', 'a'], (text) => {
  expectsContinue(requestWith({ expect: text }));
  expectsUnknown(requestWith({ expect: text }));
});
reads('a Connection', [',', 'a,', ' ', 'close,', 'x_,'], nominatedEndToEnd);
reads('X-Forwarded-For', ['10.0.0.1,', ',', ' ', '[fd00::1]:1,', '1.', '0:', ':'], (text) =>
  proxies.resolve('10.0.0.1', text),
);
reads('an Authorization', [' ', 'a', 'a.', 'a=', '=', '.'], (text) => authenticate(`Bearer ${text}`));
reads('a token', ['a', 'e30.', '.'], (text) => authenticate(`Bearer e30.${text}.a!`));
reads('a Content-Length', ['1', ' ', 'a'], (text) => hasBody(requestWith({ 'content-length': text })));
reads('the type of a response', [' ', ';', 'text/event-stream'], (text) =>
  responseHeadersFor(['Content-Type', `text/event-stream${text}`], [], 200, true),
);
/** A parser that waits for a response, and does nothing with it. */
function createParser(): ResponseParser {
  const parser = new ResponseParser(SMALL_BYTES * TIMES_THE_BYTES * 2);
  const ignore = (): void => {};
  parser.expect({ onInterim: ignore, onHead: ignore, onBody: ignore, onEnd: ignore }, false);
  return parser;
}

/** Reads the bytes of a response in pieces of a size. */
function parse(text: string, size: number): void {
  const parser = createParser();
  try {
    for (let at = 0; at < text.length; at += size) {
      const bytes = Buffer.from(text.slice(at, at + size), 'latin1');
      parser.read(bytes, bytes.length);
    }
  } catch {
    // Nearly none of them is valid.
  }
}

const RESPONSE = 'HTTP/1.1 200 OK\r\n';
const INTERIMS = ['HTTP/1.1 100 C\r\n\r\n', 'HTTP/1.1 103 H\r\n\r\n', 'HTTP/1.1 1'];
const FIELDS = ['a', 'a:', ' ', '\t', 'a: b\r\n', 'a:\r\n', '\r', ':'];
const CHUNKS = ['1\r\na\r\n', '0', ';a', ';a="', 'a\r\n', '0\r\nA: b\r\n', ' '];
const CHUNKED = `${RESPONSE}Transfer-Encoding: chunked\r\n\r\n`;
for (const size of [1, 64 * 1024]) {
  const pieces = size === 1 ? 'byte by byte' : 'at once';
  reads(`interim responses, ${pieces}`, INTERIMS, (text) => parse(text, size));
  reads(`the head of a response, ${pieces}`, FIELDS, (text) => parse(`${RESPONSE}${text}\r\n\r\n`, size));
  reads(`the phrase of a response, ${pieces}`, ['a', ' ', '\t'], (text) =>
    parse(`HTTP/1.1 200 ${text}`, size),
  );
  reads(`chunks, ${pieces}`, CHUNKS, (text) => parse(CHUNKED + text, size));
  reads(`trailers, ${pieces}`, FIELDS, (text) => parse(`${CHUNKED}0\r\n${text}\r\n`, size));
}
READERS['the fields of a request'] = (bytes) => {
  const fields = manyFields(bytes);
  const names = fields.filter((_, index) => index % 2 === 0).join(',');
  return () => void filterRequestHeaders(fields, names, FACTS);
};
READERS['the fields of a response'] = (bytes) => {
  const fields = manyFields(bytes);
  const names = fields.filter((_, index) => index % 2 === 0).join(',');
  const raw = [...fields, 'Connection', names, 'Trailer', 'a'];
  return () => void responseHeadersFor(raw, [], 200, false);
};
READERS['the nominations of a response'] = (bytes) => {
  const raw = Array.from({ length: Math.floor(bytes / 16) }, (_, index) => [
    'Connection',
    `x-${index}`,
  ]).flat();
  return () => void responseHeadersFor(raw, [], 200, false);
};
READERS['the trailers of a response'] = (bytes) => {
  const raw = manyFields(bytes);
  return () => void responseTrailersFor(raw);
};

describe('reading bytes that a client, an upstream or a token chooses', () => {
  it.each(Object.keys(READERS))('%s: takes time linear in their number', (name) => {
    let times = Infinity;
    for (let round = 0; round < ROUNDS && times >= MOST_TIMES_THE_COST; round++) {
      const small = costOf(READERS[name]!(SMALL_BYTES));
      const large = costOf(READERS[name]!(SMALL_BYTES * TIMES_THE_BYTES));
      times = large / small;
    }

    expect(times).toBeLessThan(MOST_TIMES_THE_COST);
  });
});
