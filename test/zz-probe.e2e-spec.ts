import { startGateway, bearer } from './support/gateway.js';
import { exchangeRaw } from './support/raw-client.js';
import { startRecordingService } from './support/recording-service.js';
const H = 'Host: gateway\r\nConnection: close\r\n';
const A = `Authorization: ${bearer().Authorization}\r\n`;
const cases: Record<string, string> = {
  'no version': 'GET /v1/auth/profile\r\n\r\n',
  connect: `CONNECT gateway:443 HTTP/1.1\r\nHost: gateway\r\n\r\n`,
  ice: `SOURCE /v1/auth/profile ICE/1.0\r\n${H}\r\n`,
  trace: `TRACE /v1/auth/profile HTTP/1.1\r\n${H}\r\n`,
  'crlf rtsp': `\r\nGET /v1/auth/profile RTSP/1.0\r\n${H}${A}\r\n`,
  'h2c upgrade': `GET /v1/auth/profile HTTP/1.1\r\nHost: g\r\n${A}Connection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n`,
  http10: `GET /v1/auth/profile HTTP/1.0\r\n${A}\r\n`,
  expect: `POST /v1/auth/login HTTP/1.1\r\n${H}Expect: foo\r\nContent-Length: 0\r\n\r\n`,
  'good then garbage': `GET /health HTTP/1.1\r\nHost: g\r\n\r\n\x16\x03garbage\r\n\r\n`,
  'obs-fold host': `GET /health HTTP/1.1\r\nHost: g\r\n b\r\nConnection: close\r\n\r\n`,
  'space host': `GET /health HTTP/1.1\r\nHost : g\r\nConnection: close\r\n\r\n`,
  hash: `GET /v1/auth/profile#x HTTP/1.1\r\n${H}${A}\r\n`,
  abs: `GET http://gateway/v1/auth/profile HTTP/1.1\r\n${H}${A}\r\n`,
  nonascii: `GET /v1/keys/\xe9 HTTP/1.1\r\n${H}${A}\r\n`,
  star: `OPTIONS * HTTP/1.1\r\n${H}${A}\r\n`,
  'query weird': `GET /v1/keys/a?x=\xe9#b HTTP/1.1\r\n${H}${A}\r\n`,
  'query quote': `GET /v1/keys/a?x="<>\\^{}|..//%00 HTTP/1.1\r\n${H}${A}\r\n`,
  tab: `GET\t/v1/keys/a HTTP/1.1\r\n${H}${A}\r\n`,
  'space path': `GET /v1/keys/a b HTTP/1.1\r\n${H}${A}\r\n`,
  'bare LF': `GET /v1/auth/profile HTTP/1.1\nHost: g\nConnection: close\n${A}\n`,
  'bare CR': `GET /v1/auth/profile HTTP/1.1\r\nHost: g\rConnection: close\r\n${A}\r\n`,
};
it.each(Object.keys(cases))(
  '%s',
  async (name) => {
    await using service = await startRecordingService();
    await using gateway = await startGateway({ env: { AUTH_SERVICE_URL: service.url } });
    const x = await exchangeRaw(gateway.port, cases[name]!);
    process.stdout.write(
      `@@ ${name}: ${JSON.stringify(x.text.split('\r\n')[0])} ${JSON.stringify(x.json)} n=${x.statuses} svc=${JSON.stringify(service.bytes().slice(0, 100))} log=${JSON.stringify(gateway.logs.filter((l) => /request/.test(String(l.message))).map((l) => [l.message, l.status, l.code, l.path, l.error_code]))}\n`,
    );
  },
  3000,
);
