import {
  InvalidRequestException,
  ProxyException,
  UpstreamDisconnectedException,
  UpstreamInvalidResponseException,
  UpstreamTimeoutException,
  UpstreamUnavailableException,
  UpstreamUnreachableException,
  type Stage,
} from '../exceptions.js';

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EADDRNOTAVAIL',
  'EMFILE',
  'ENFILE',
]);

const CONNECTION_LOST = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE', 'ECONNABORTED']);

const CLOSED = new Set(['UND_ERR_DESTROYED', 'UND_ERR_CLOSED']);

/** undici will not write the request. */
const UNWRITABLE = new Set(['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED']);

/** Whether the connection broke, rather than what came over it. */
export function isConnectionLost(error: Error): boolean {
  const code = codeOf(error);
  return code !== undefined && CONNECTION_LOST.has(code) && !isNotHttp(error);
}

/**
 * The exception for a failure: what broke, on which side, in which stage. The one place that knows the codes of
 * undici and of the operating system.
 */
export function exceptionFor(error: Error, service: string, stage: Stage): ProxyException {
  if (error instanceof ProxyException) return error;
  const code = codeOf(error);
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT') {
    return new UpstreamTimeoutException(service, stage, error);
  }
  if (code !== undefined && UNREACHABLE.has(code)) return new UpstreamUnreachableException(service, error);
  if (code !== undefined && CLOSED.has(code)) return new UpstreamUnavailableException(service, error);
  if (code !== undefined && UNWRITABLE.has(code))
    return new InvalidRequestException('Invalid request', error);
  if (stage === 'connect') return new UpstreamUnreachableException(service, error);
  if (isConnectionLost(error)) return new UpstreamDisconnectedException(service, stage, error);
  return new UpstreamInvalidResponseException(service, stage, error);
}

/** undici reports an answer out of turn, or an unasked upgrade, as a socket error with one of these messages. */
function isNotHttp(error: Error): boolean {
  return error.message === 'bad response' || error.message === 'bad upgrade';
}

function codeOf(error: Error): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
