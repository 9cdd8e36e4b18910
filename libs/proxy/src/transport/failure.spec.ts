import { UpstreamTimeoutException } from '../exceptions.js';
import { exceptionFor, isConnectionLost } from './failure.js';

const errorOf = (code: string | undefined, message = 'x'): Error =>
  Object.assign(new Error(message), code === undefined ? {} : { code });

describe('exceptionFor', () => {
  it.each([
    ['ECONNREFUSED', 'connect', 502, 'UPSTREAM_UNREACHABLE'],
    ['ENOTFOUND', 'connect', 502, 'UPSTREAM_UNREACHABLE'],
    ['EMFILE', 'connect', 502, 'UPSTREAM_UNREACHABLE'],
    ['CERT_HAS_EXPIRED', 'connect', 502, 'UPSTREAM_UNREACHABLE'],
    ['UND_ERR_CONNECT_TIMEOUT', 'connect', 504, 'UPSTREAM_TIMEOUT'],
    ['ETIMEDOUT', 'connect', 504, 'UPSTREAM_TIMEOUT'],
    ['ECONNRESET', 'response_headers', 502, 'UPSTREAM_DISCONNECTED'],
    ['EPIPE', 'request_body', 502, 'UPSTREAM_DISCONNECTED'],
    ['UND_ERR_SOCKET', 'response_body', 502, 'UPSTREAM_DISCONNECTED'],
    ['UND_ERR_HEADERS_OVERFLOW', 'response_headers', 502, 'UPSTREAM_INVALID_RESPONSE'],
    ['HPE_INVALID_CONSTANT', 'response_headers', 502, 'UPSTREAM_INVALID_RESPONSE'],
    [undefined, 'response_headers', 502, 'UPSTREAM_INVALID_RESPONSE'],
    ['UND_ERR_DESTROYED', 'connect', 503, 'UPSTREAM_UNAVAILABLE'],
    ['UND_ERR_INVALID_ARG', 'request', 400, 'INVALID_REQUEST'],
  ] as const)('makes of %s at %s a %d %s', (code, stage, status, errorCode) => {
    const exception = exceptionFor(errorOf(code), 'x-service', stage);

    expect(exception.getStatus()).toBe(status);
    expect(exception.errorCode).toBe(errorCode);
    expect(JSON.stringify(exception.getResponse())).not.toMatch(/ECONN|UND_ERR|HPE_/);
  });

  it('leaves an exception as it is', () => {
    const exception = new UpstreamTimeoutException('x-service', 'connect', undefined);

    expect(exceptionFor(exception, 'y-service', 'response_body')).toBe(exception);
  });
});

describe('isConnectionLost', () => {
  it.each([
    ['ECONNRESET', 'x', true],
    ['UND_ERR_SOCKET', 'other side closed', true],
    ['UND_ERR_SOCKET', 'bad response', false],
    ['UND_ERR_SOCKET', 'bad upgrade', false],
    ['ETIMEDOUT', 'x', false],
    [undefined, 'x', false],
  ])('is true of %s (%s): %s', (code, message, isLost) => {
    expect(isConnectionLost(errorOf(code, message))).toBe(isLost);
  });
});
