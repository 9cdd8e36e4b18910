const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK}Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n`;

const TEXTS = [
  `${OK}Content-Length: 5\r\n\r\nhello`,
  `${OK}Date: Mon, 30 Nov 2026 00:00:00 GMT\r\nServer: x\r\nContent-Length: 26\r\nKeep-Alive: timeout=5\r\n\r\nabcdefghijklmnopqrstuvwxyz`,
  `${OK}Content-Length: 0\r\n\r\n`,
  `${OK}Connection: close\r\n\r\nuntil the end`,
  `HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok`,
  `${CHUNKED}5\r\nhello\r\n0\r\n\r\n`,
  `${CHUNKED}1\r\na\r\n1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n`,
  `${CHUNKED}5;a=b\r\nhello\r\n0;c\r\nX-Sum: abc\r\nX-More: d\r\n\r\n`,
  `${CHUNKED}2\r\n\r\n\r\n0\r\n\r\n`,
  'HTTP/1.1 204 No Content\r\nX: y\r\n\r\n',
  'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: "x"\r\n\r\n',
  `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}Content-Length: 2\r\n\r\nok`,
  `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno`,
  `HTTP/1.1 200 caf\xe9\r\nX-Name: \xff\xfe\r\nContent-Length: 1\r\n\r\n\0`,
];

/** Valid responses, of which mutated ones are made. */
export const VALID = [
  ...TEXTS.map((text) => ({ bytes: Buffer.from(text, 'latin1'), isHead: false })),
  { bytes: Buffer.from(`${OK}Content-Length: 5\r\n\r\n`), isHead: true },
  { bytes: Buffer.from(CHUNKED), isHead: true },
];
