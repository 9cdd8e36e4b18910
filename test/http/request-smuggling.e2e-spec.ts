import { bearer, startGateway } from '../support/gateway.js';
import { exchangeRaw, type RawExchange } from '../support/raw-client.js';
import { startRecordingService, type RecordingService } from '../support/recording-service.js';

const HIDDEN = 'GET /v1/keys/hidden HTTP/1.1\r\nHost: gateway\r\n\r\n';
const CHUNKED_HELLO = '5\r\nhello\r\n0\r\n\r\n';
const NEXT = 'GET /health HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n';

const login = (headers: string, rest: string): string =>
  `POST /v1/auth/login HTTP/1.1\r\nHost: gateway\r\n${headers}\r\n\r\n${rest}`;

/** Requests whose end two servers could see in two places. */
const AMBIGUOUS: Readonly<Record<string, string>> = {
  'a length beside chunks': login(
    'Content-Length: 4\r\nTransfer-Encoding: chunked',
    `${CHUNKED_HELLO}${HIDDEN}`,
  ),
  'chunks beside a length': login(
    `Transfer-Encoding: chunked\r\nContent-Length: ${HIDDEN.length + 5}`,
    `0\r\n\r\n${HIDDEN}`,
  ),
  'two equal lengths': login('Content-Length: 5\r\nContent-Length: 5', `hello${HIDDEN}`),
  'two different lengths': login('Content-Length: 5\r\nContent-Length: 60', `hello${HIDDEN}`),
  'a list of lengths': login('Content-Length: 5, 5', `hello${HIDDEN}`),
  'a negative length': login('Content-Length: -5', `hello${HIDDEN}`),
  'a length with a sign': login('Content-Length: +5', `hello${HIDDEN}`),
  'a length in hex': login('Content-Length: 0x5', `hello${HIDDEN}`),
  'an empty length': login('Content-Length: ', HIDDEN),
  'a length past 64 bits': login('Content-Length: 18446744073709551621', `hello${HIDDEN}`),
  'a folded length': login('Content-Length:\r\n 5', `hello${HIDDEN}`),
  'a folded header': login('X-Folded: a\r\n b\r\nContent-Length: 5', `hello${HIDDEN}`),
  'a folded transfer coding': login('Transfer-Encoding:\r\n chunked', `${CHUNKED_HELLO}${HIDDEN}`),
  'bare LF after a header': login('X-Bare: a\nContent-Length: 5', `hello${HIDDEN}`),
  'bare LF at the end of the headers': `POST /v1/auth/login HTTP/1.1\r\nHost: gateway\r\nContent-Length: 5\n\nhello${HIDDEN}`,
  'bare LF in the chunks': login('Transfer-Encoding: chunked', `5\nhello\n0\n\n${HIDDEN}`),
  'bare CR in a header': login(
    'X-Bare: a\rTransfer-Encoding: chunked\r\nContent-Length: 5',
    `hello${HIDDEN}`,
  ),
  'a blank before the colon': login('Transfer-Encoding : chunked', `${CHUNKED_HELLO}${HIDDEN}`),
  'a blank before the colon of the length': login('Content-Length : 5', `hello${HIDDEN}`),
  'an unknown transfer coding': login('Transfer-Encoding: xchunked', `${CHUNKED_HELLO}${HIDDEN}`),
  'chunked that is not last': login('Transfer-Encoding: chunked, identity', `${CHUNKED_HELLO}${HIDDEN}`),
  'chunked twice': login('Transfer-Encoding: chunked, chunked', `${CHUNKED_HELLO}${HIDDEN}`),
  'identity alone': login('Transfer-Encoding: identity', `${CHUNKED_HELLO}${HIDDEN}`),
  'quoted chunked': login('Transfer-Encoding: "chunked"', `${CHUNKED_HELLO}${HIDDEN}`),
  'chunked behind a vertical tab': login('Transfer-Encoding: \x0bchunked', `${CHUNKED_HELLO}${HIDDEN}`),
  'a gzip coding before chunked': login('Transfer-Encoding: gzip, chunked', `${CHUNKED_HELLO}${HIDDEN}`),
  'two transfer codings, the last unknown': login(
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
    `${CHUNKED_HELLO}${HIDDEN}`,
  ),
  'two transfer codings, both chunked': login(
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
    `${CHUNKED_HELLO}${HIDDEN}`,
  ),
  'a length nominated by Connection': login(
    'Connection: Content-Length\r\nContent-Length: 5\r\nTransfer-Encoding: chunked',
    `${CHUNKED_HELLO}${HIDDEN}`,
  ),
  'chunks in HTTP/1.0': `POST /v1/auth/login HTTP/1.0\r\nHost: gateway\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED_HELLO}${HIDDEN}`,
  'a chunk size past 64 bits': login(
    'Transfer-Encoding: chunked',
    `10000000000000005\r\nhello\r\n0\r\n\r\n${HIDDEN}`,
  ),
  'a chunk size with a sign': login('Transfer-Encoding: chunked', `+5\r\nhello\r\n0\r\n\r\n${HIDDEN}`),
  'a chunk size with 0x': login('Transfer-Encoding: chunked', `0x5\r\nhello\r\n0\r\n\r\n${HIDDEN}`),
  'a chunk longer than its size': login('Transfer-Encoding: chunked', `4\r\nhello\r\n0\r\n\r\n${HIDDEN}`),
  'a chunk without its size': login('Transfer-Encoding: chunked', `\r\nhello\r\n0\r\n\r\n${HIDDEN}`),
  'chunk extensions past any use': login(
    'Transfer-Encoding: chunked',
    `5;${'a'.repeat(20_000)}\r\nhello\r\n0\r\n\r\n${HIDDEN}`,
  ),
  'trailers that frame a message': login(
    'Transfer-Encoding: chunked',
    `5\r\nhello\r\n0\r\nContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`,
  ),
  'bare LF in a chunk extension': login('Transfer-Encoding: chunked', `5;a\nhello\r\n0\r\n\r\n${HIDDEN}`),
};

/** Requests whose body holds what looks like another request, each framed as it should be. */
const LEGITIMATE: Readonly<Record<string, { readonly bytes: string; readonly body: string }>> = {
  ...Object.fromEntries(
    [
      'DELETE /v1/users/me',
      'GET /v1/users/me',
      'PATCH /v1/users/me',
      'POST /v1/auth/login',
      'PUT /v1/conversations/1/settings',
    ].flatMap((line) => {
      const head = `${line} HTTP/1.1\r\nHost: gateway\r\nAuthorization: ${bearer().Authorization}\r\n`;
      const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n${HIDDEN.length.toString(16)}\r\n${HIDDEN}\r\n0\r\n\r\n`;
      return [
        [
          `${line} with a length`,
          { bytes: `${head}Content-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`, body: HIDDEN },
        ],
        [`${line} with chunks`, { bytes: chunked, body: HIDDEN }],
      ];
    }),
  ),
  'a chunk extension': {
    bytes: login('Transfer-Encoding: chunked', `5;name=value\r\nhello\r\n0\r\n\r\n`),
    body: 'hello',
  },
  trailers: {
    bytes: login(
      'Transfer-Encoding: chunked\r\nTrailer: Host',
      '5\r\nhello\r\n0\r\nHost: hidden\r\nAuthorization: Bearer hidden\r\n\r\n',
    ),
    body: 'hello',
  },
  'a tab before chunked': {
    bytes: login('Transfer-Encoding:\tchunked', CHUNKED_HELLO),
    body: 'hello',
  },
  'chunked in capitals': { bytes: login('Transfer-Encoding: CHUNKED', CHUNKED_HELLO), body: 'hello' },
};

async function send(
  bytes: string,
  check: (exchange: RawExchange, service: RecordingService) => void,
): Promise<void> {
  await using service = await startRecordingService();
  const exchange = await exchangeThroughGateway(service, bytes);
  await service.disconnected();
  check(exchange, service);
}

async function exchangeThroughGateway(service: RecordingService, bytes: string): Promise<RawExchange> {
  await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
  return await exchangeRaw(gateway.port, bytes);
}

describe('request smuggling', () => {
  it.each(Object.keys(AMBIGUOUS))('%s: one refusal, and no second request', async (name) => {
    await send(AMBIGUOUS[name]!, ({ statuses, json, reset }, service) => {
      expect(statuses).toHaveLength(1);
      expect(statuses[0]).toBeGreaterThanOrEqual(400);
      expect(statuses[0]).toBeLessThan(500);
      expect(json).toHaveProperty('error');
      expect(reset).toBe(false);
      expect(service.requests).toEqual([]);
      expect(service.bytes()).not.toContain('hidden');
    });
  });

  it.each(Object.keys(LEGITIMATE))('%s: the body stays a body', async (name) => {
    const { bytes, body } = LEGITIMATE[name]!;
    await send(`${bytes}${NEXT}`, ({ statuses }, service) => {
      expect(statuses).toEqual([200, 200]);
      expect(service.requests.map((request) => request.body)).toEqual([body]);
      expect(service.requests[0]!.headers.join()).not.toContain('hidden');
      expect(service.leftovers()).toBe('');
    });
  });

  it('OPTIONS with a request in its body is refused, and the body is not read as a request', async () => {
    const bytes = `OPTIONS /v1/auth/login HTTP/1.1\r\nHost: gateway\r\nContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`;
    await send(`${bytes}${NEXT}`, ({ statuses }, service) => {
      expect(statuses).toEqual([405, 200]);
      expect(service.accepted()).toBe(0);
    });
  });

  it('the refused body of a route that nobody has is not read as a request', async () => {
    const bytes = `POST /v1/nothing HTTP/1.1\r\nHost: gateway\r\nContent-Length: ${HIDDEN.length}\r\n\r\n${HIDDEN}`;
    await send(`${bytes}${NEXT}`, ({ statuses }, service) => {
      expect(statuses).toEqual([404, 200]);
      expect(service.accepted()).toBe(0);
    });
  });

  it('a preflight with a request in its body is answered, and the body is not read as a request', async () => {
    const headers =
      'Host: gateway\r\nOrigin: http://localhost:3000\r\nAccess-Control-Request-Method: POST\r\nTransfer-Encoding: chunked';
    const body = `${HIDDEN.length.toString(16)}\r\n${HIDDEN}\r\n0\r\n\r\n`;
    await send(
      `OPTIONS /v1/auth/login HTTP/1.1\r\n${headers}\r\n\r\n${body}${NEXT}`,
      ({ statuses }, service) => {
        expect(statuses).toEqual([204, 200]);
        expect(service.accepted()).toBe(0);
      },
    );
  });
});
