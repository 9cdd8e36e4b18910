import { UpstreamTimeoutException } from '../http/exceptions.js';
import { exceptionFor, isConnectionLost } from './exception-for.js';
import { failureKindOf } from './failure-kind.js';

const errorOf = (code: string | undefined, message = 'x'): Error =>
  Object.assign(new Error(message), code === undefined ? {} : { code });

describe('exceptionFor', () => {
  it.each([
    ['ECONNREFUSED', 'connect', 502, 'UPSTREAM_UNREACHABLE'],
    ['ENOTFOUND', 'connect', 502, 'UPSTREAM_UNREACHABLE'],
    ['EMFILE', 'connect', 502, 'UPSTREAM_UNREACHABLE'],
    ['CERT_HAS_EXPIRED', 'connect', 502, 'UPSTREAM_TLS'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'connect', 502, 'UPSTREAM_TLS'],
    ['EPROTO', 'connect', 502, 'UPSTREAM_TLS'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'request_body', 502, 'UPSTREAM_TLS'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'response_headers', 502, 'UPSTREAM_TLS'],
    ['ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC', 'response_body', 502, 'UPSTREAM_INVALID_RESPONSE'],
    ['ETIMEDOUT', 'connect', 504, 'UPSTREAM_TIMEOUT'],
    ['ECONNRESET', 'response_headers', 502, 'UPSTREAM_DISCONNECTED'],
    ['EPIPE', 'request_body', 502, 'UPSTREAM_DISCONNECTED'],
    ['ERR_CONNECTION_CLOSED', 'response_body', 502, 'UPSTREAM_DISCONNECTED'],
    ['ERR_INVALID_RESPONSE', 'response_headers', 502, 'UPSTREAM_INVALID_RESPONSE'],
    [undefined, 'response_headers', 502, 'UPSTREAM_INVALID_RESPONSE'],
    ['ERR_POOL_DESTROYED', 'connect', 503, 'UPSTREAM_UNAVAILABLE'],
  ] as const)('makes of %s at %s a %d %s', (code, stage, status, errorCode) => {
    const exception = exceptionFor(errorOf(code), 'x-service', stage);

    expect(exception.getStatus()).toBe(status);
    expect(exception.errorCode).toBe(errorCode);
    expect(JSON.stringify(exception.getResponse())).not.toMatch(/ECONN|ERR_/);
  });

  const stages = ['request', 'connect', 'request_body', 'response_headers', 'response_body'] as const;
  const everyStage = (codes: string[], status: number, errorCode: string): [string, number, string][] =>
    codes.map((code) => [code, status, errorCode]);

  it.each([
    ...everyStage(
      [
        'ECONNREFUSED',
        'EHOSTUNREACH',
        'ENETUNREACH',
        'ENOTFOUND',
        'EAI_AGAIN',
        'EADDRNOTAVAIL',
        'EMFILE',
        'ENFILE',
      ],
      502,
      'UPSTREAM_UNREACHABLE',
    ),
    ...everyStage(['ETIMEDOUT'], 504, 'UPSTREAM_TIMEOUT'),
    ...everyStage(['ERR_POOL_DESTROYED'], 503, 'UPSTREAM_UNAVAILABLE'),
  ])('makes of %s a %d %s at every stage', (code, status, errorCode) => {
    for (const stage of stages) {
      expect(exceptionFor(errorOf(code), 'x-service', stage)).toMatchObject({ status, errorCode });
    }
  });

  it.each(['ERR_CONNECTION_CLOSED', 'ECONNRESET', 'EPIPE', 'ECONNABORTED'])(
    'takes %s for a service out of reach while it connects, and for a break from then on',
    (code) => {
      const errorCodes = stages.map((stage) => exceptionFor(errorOf(code), 'x-service', stage).errorCode);

      expect(errorCodes).toEqual([
        'UPSTREAM_DISCONNECTED',
        'UPSTREAM_UNREACHABLE',
        'UPSTREAM_DISCONNECTED',
        'UPSTREAM_DISCONNECTED',
        'UPSTREAM_DISCONNECTED',
      ]);
    },
  );

  it.each([
    ['ECONNREFUSED', 'connect', { error: 'Service unavailable', service: 'x-service' }],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'connect', { error: 'Service unavailable', service: 'x-service' }],
    ['ETIMEDOUT', 'response_body', { error: 'Service timed out', service: 'x-service' }],
    ['EPIPE', 'request_body', { error: 'Service unavailable', service: 'x-service' }],
    ['ERR_INVALID_RESPONSE', 'response_headers', { error: 'Service unavailable', service: 'x-service' }],
  ] as const)(
    'keeps of %s the stage %s and the cause for the log, not for the client',
    (code, stage, body) => {
      const error = errorOf(code, 'connect 10.0.0.1:8080');
      const exception = exceptionFor(error, 'x-service', stage);

      expect(exception.stage).toBe(stage);
      expect(exception.cause).toBe(error);
      expect(exception.getResponse()).toEqual(body);
    },
  );

  it.each([
    ['ECONNREFUSED', 'connect'],
    ['EMFILE', undefined],
    ['ENFILE', undefined],
  ])(
    'counts %s against the instance as %s: without a file descriptor the gateway itself fails',
    (code, kind) => {
      expect(failureKindOf(exceptionFor(errorOf(code), 'x-service', 'connect'))).toBe(kind);
    },
  );

  it('tells a client when to come again only where the service is not asked', () => {
    const headersOf = (code: string): readonly string[] =>
      exceptionFor(errorOf(code), 'x-service', 'connect').headers;

    expect(headersOf('ERR_POOL_DESTROYED')).toEqual(['Retry-After', '1']);
    expect(headersOf('ECONNREFUSED')).toEqual([]);
    expect(headersOf('ETIMEDOUT')).toEqual([]);
  });

  it('leaves an exception as it is', () => {
    const exception = new UpstreamTimeoutException('x-service', 'connect', undefined);

    expect(exceptionFor(exception, 'y-service', 'response_body')).toBe(exception);
  });
});

describe('isConnectionLost', () => {
  it.each([
    ['ECONNRESET', 'x', true],
    ['ERR_CONNECTION_CLOSED', 'x', true],
    ['ERR_INVALID_RESPONSE', 'x', false],
    ['EPIPE', 'x', true],
    ['ECONNABORTED', 'x', true],
    ['ETIMEDOUT', 'x', false],
    ['ECONNREFUSED', 'x', false],
    ['ERR_POOL_DESTROYED', 'x', false],
    [undefined, 'x', false],
    [undefined, 'ECONNRESET', false],
  ])('is true of %s (%s): %s', (code, message, isLost) => {
    expect(isConnectionLost(errorOf(code, message))).toBe(isLost);
  });
});
