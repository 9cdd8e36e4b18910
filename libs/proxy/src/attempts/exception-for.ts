import {
  ProxyException,
  UpstreamDisconnectedException,
  UpstreamInvalidResponseException,
  UpstreamTimeoutException,
  UpstreamTlsException,
  UpstreamUnavailableException,
  UpstreamUnreachableException,
  type Stage,
} from '../http/exceptions.js';

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EADDRNOTAVAIL',
]);

/** The gateway has no file descriptor left. */
const NO_DESCRIPTOR = new Set(['EMFILE', 'ENFILE']);

const CONNECTION_LOST = new Set(['ERR_CONNECTION_CLOSED', 'ECONNRESET', 'EPIPE', 'ECONNABORTED']);

const DESTROYED = 'ERR_POOL_DESTROYED';

/** OpenSSL's verdicts on a certificate, as Node names them (X509_V_ERR_*). */
const CERTIFICATE = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
  'CERT_NOT_YET_VALID',
  'CERT_HAS_EXPIRED',
  'ERROR_IN_CERT_NOT_BEFORE_FIELD',
  'ERROR_IN_CERT_NOT_AFTER_FIELD',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'CERT_CHAIN_TOO_LONG',
  'CERT_REVOKED',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'INVALID_CA',
  'PATH_LENGTH_EXCEEDED',
  'INVALID_PURPOSE',
  'HOSTNAME_MISMATCH',
  'UNSPECIFIED',
]);

/** A wrong name, and errors of OpenSSL: the service does not speak TLS, no common version, an alert. */
const TLS = /^(?:ERR_TLS_|ERR_SSL_|EPROTO$)/;

/** Whether the connection broke, as opposed to an invalid response. */
export function isConnectionLost(error: Error): boolean {
  const code = codeOf(error);
  return code !== undefined && CONNECTION_LOST.has(code);
}

/**
 * The exception for an error of the transport or of the operating system, by its code. No other file decides by these codes.
 */
export function exceptionFor(error: Error, service: string, stage: Stage): ProxyException {
  if (error instanceof ProxyException) return error;
  const code = codeOf(error);
  if (code === 'ETIMEDOUT') {
    return new UpstreamTimeoutException(service, stage, error);
  }
  if (code !== undefined && UNREACHABLE.has(code)) return new UpstreamUnreachableException(service, error);
  if (code !== undefined && NO_DESCRIPTOR.has(code))
    return new UpstreamUnreachableException(service, error, true);
  if (code === DESTROYED) return new UpstreamUnavailableException(service, error);
  if (code !== undefined && isTls(code) && stage !== 'response_body') {
    // Also after the request: in TLS 1.3 a service may refuse the client's certificate after the client's handshake.
    return new UpstreamTlsException(service, error);
  }
  if (stage === 'connect') return new UpstreamUnreachableException(service, error);
  if (isConnectionLost(error)) return new UpstreamDisconnectedException(service, stage, error);
  return new UpstreamInvalidResponseException(service, stage, error);
}

function isTls(code: string): boolean {
  return CERTIFICATE.has(code) || TLS.test(code);
}

function codeOf(error: Error): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
