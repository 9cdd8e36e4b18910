const CRLF = '\r\n';

/** Routes of the gateway by the service behind them; `auth-service` is the one that never lies. */
const ROUTES = {
  auth: [
    ['GET', '/v1/auth/profile'],
    ['HEAD', '/v1/auth/profile'],
    ['GET', '/v1/users/me/friends'],
    ['POST', '/v1/auth/login'],
    ['PATCH', '/v1/users/me'],
    ['POST', '/v1/conversations'],
    ['PUT', '/v1/conversations/7/settings'],
    ['DELETE', '/v1/conversations/7'],
    ['POST', '/v1/keys/upload'],
  ],
  chat: [
    ['GET', '/v1/messages'],
    ['HEAD', '/v1/messages'],
    ['POST', '/v1/messages'],
    ['POST', '/v1/presence'],
  ],
  video: [
    ['GET', '/v1/calls/7'],
    ['POST', '/v1/calls/initiate'],
    ['POST', '/v1/calls/7/end'],
  ],
  storage: [
    ['GET', '/v1/storage/quota'],
    ['GET', '/v1/storage/objects/token'],
    ['PUT', '/v1/storage/objects/token'],
    ['DELETE', '/v1/storage/files/7'],
  ],
  gateway: [
    ['GET', '/health'],
    ['GET', '/v1/unknown'],
    ['DELETE', '/v1/messages'],
    ['OPTIONS', '/v1/messages'],
  ],
};

const SOCKET_PATHS = ['/v1/ws/chat', '/v1/ws/signaling', '/v1/calls/ws/signaling'];
const WITH_BODY = new Set(['POST', 'PUT', 'PATCH']);
const BODY_SIZES = { 0: 1, 40: 6, 2_000: 3, 70_000: 1, 300_000: 0.3 };

const EXTRAS = [
  'Accept: */*',
  'Cookie: session=1',
  'Connection: keep-alive',
  'Connection: x-extra',
  'X-Extra: extra',
  'X-Forwarded-For: 10.1.2.3',
  'Origin: http://localhost:3000',
  'TE: trailers',
  'Accept-Encoding: gzip',
  'If-None-Match: "7"',
  'Range: bytes=0-9',
];

/** A valid request, as bytes, and what is known of it. @param isOnly whether no other one follows on its connection */
export function createRequest(random, { id, token, services, isOnly }) {
  const service = random.weighted(services);
  const [method, path] = random.pick(ROUTES[service]);
  const body = WITH_BODY.has(method) || random.chance(0.05) ? createBody(random, id) : undefined;
  const isOld = isOnly && random.chance(0.15);
  const isChunked = body !== undefined && !isOld && random.chance(0.4);
  const expects = body !== undefined && body.length > 0 && !isOld && random.chance(0.15);
  const lines = [
    `${method} ${path}?id=${id} HTTP/1.${isOld ? 0 : 1}`,
    'Host: gateway.example',
    ...(isOnly && random.chance(0.1) ? ['Connection: close'] : []),
    `Authorization: Bearer ${token}`,
    `X-Request-ID: ${id}`,
    ...pickSome(random, EXTRAS),
    ...(body === undefined ? [] : ['Content-Type: application/json']),
    ...(body === undefined
      ? []
      : [isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`]),
    ...(expects ? ['Expect: 100-continue'] : []),
  ];
  const head = Buffer.from(lines.join(CRLF) + CRLF + CRLF);
  const content = body === undefined ? Buffer.alloc(0) : isChunked ? chunked(random, body) : body;
  return { id, service, method, path, head, content, expects, bodyLength: body?.length ?? 0 };
}

function createBody(random, id) {
  const size = Number(random.weighted(BODY_SIZES));
  return size === 0 ? Buffer.alloc(0) : Buffer.from(JSON.stringify({ id, filler: 'b'.repeat(size - 20) }));
}

function pickSome(random, list) {
  const some = list.filter(() => random.chance(0.12));
  // Two fields of one name are for the mutations.
  return some.filter((line, index) => some.findIndex((each) => nameOf(each) === nameOf(line)) === index);
}

const nameOf = (line) => line.slice(0, line.indexOf(':'));

/** A body in chunks of random sizes. */
export function chunked(random, body, trailers = '') {
  const parts = [];
  const most = Math.max(1, Math.ceil(body.length / random.int(1, 5)));
  for (let at = 0; at < body.length;) {
    const part = body.subarray(at, at + random.int(1, most) + 20);
    parts.push(Buffer.from(part.length.toString(16) + CRLF), part, Buffer.from(CRLF));
    at += part.length;
  }
  parts.push(Buffer.from(`0${CRLF}${trailers}${CRLF}`));
  return Buffer.concat(parts);
}

/** A valid handshake for a WebSocket. */
export function createHandshake(random, { id, token }) {
  const path = random.pick(SOCKET_PATHS);
  const place = random.weighted({ header: 5, query: 2, subprotocol: 2 });
  const protocols = [
    ...(random.chance(0.3) ? ['chat.v1', 'chat.v2'] : []),
    ...(place === 'subprotocol' ? [`bearer.${token}`] : []),
  ];
  const lines = [
    `GET ${path}?id=${id}${place === 'query' ? `&access_token=${token}` : ''} HTTP/1.1`,
    'Host: gateway.example',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${random.bytes(16).toString('base64')}`,
    `X-Request-ID: ${id}`,
    ...(place === 'header' ? [`Authorization: Bearer ${token}`] : []),
    ...(protocols.length > 0 ? [`Sec-WebSocket-Protocol: ${protocols.join(', ')}`] : []),
    ...(random.chance(0.3) ? ['Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits'] : []),
    ...(random.chance(0.5) ? ['Origin: http://localhost:3000'] : []),
  ];
  const head = Buffer.from(lines.join(CRLF) + CRLF + CRLF);
  return { id, service: 'socket', method: 'GET', path, head, content: Buffer.alloc(0), bodyLength: 0 };
}
