import type { Settings } from './complete-settings.js';
import type { VariableValues } from './settings.js';

/** Incompatible settings with which the gateway runs nevertheless. */
export interface ConfigurationWarning {
  /** The first is the one to change. */
  readonly variables: readonly [keyof VariableValues, ...(keyof VariableValues)[]];
  /** A compatible value. */
  readonly expected: string;
  /** The consequence of the incompatible values. */
  readonly impact: string;
}

/** The incompatible settings that the gateway finds by itself. The doctor compares them with the files of the deployment. */
export function warningsFor(config: Settings): ConfigurationWarning[] {
  return [
    ...timeoutWarnings(config),
    ...memoryWarnings(config),
    ...trustWarnings(config),
    ...tokenWarnings(config),
  ];
}

function timeoutWarnings({ proxy }: Settings): ConfigurationWarning[] {
  const leastMs = leastRequestTimeoutMs(proxy);
  if (proxy.requestTimeoutMs >= leastMs) return [];
  return [
    {
      variables: ['REQUEST_TIMEOUT_MS', 'RESPONSE_HEADERS_TIMEOUT_MS', 'CONNECT_TIMEOUT_MS', 'MAX_RETRIES'],
      expected: `REQUEST_TIMEOUT_MS of ${leastMs} or more: CONNECT_TIMEOUT_MS for each attempt, and RESPONSE_HEADERS_TIMEOUT_MS for the last one`,
      impact: 'REQUEST_TIMEOUT_MS ends the last attempt before its RESPONSE_HEADERS_TIMEOUT_MS has passed.',
    },
  ];
}

/** The milliseconds that a request can take: the time to connect for each attempt, and the response headers of the last one. */
export function leastRequestTimeoutMs({
  retries,
  connections,
  responseHeadersTimeoutMs,
}: Settings['proxy']): number {
  return (retries.maxRetries + 1) * connections.connectTimeoutMs + responseHeadersTimeoutMs;
}

function memoryWarnings({ websocket }: Settings): ConfigurationWarning[] {
  const parts = [
    ['WEBSOCKET_MAX_MESSAGE_BYTES', websocket.defaults.messageLimitBytes],
    ['WEBSOCKET_MAX_RESUME_BYTES', websocket.resumeBytes],
  ] as const;
  return parts
    .filter(([, bytes]) => bytes > websocket.bufferBytes)
    .map(([name, bytes]) => ({
      variables: ['WEBSOCKET_MAX_BUFFER_BYTES', name],
      expected: `WEBSOCKET_MAX_BUFFER_BYTES of ${bytes} or more: all WebSockets share it`,
      impact: 'A single WebSocket that uses its own limit exceeds the shared one, and is closed with 1013.',
    }));
}

function tokenWarnings({ auth }: Settings): ConfigurationWarning[] {
  if (auth.audience !== undefined) return [];
  return [
    {
      variables: ['JWT_AUDIENCE'],
      expected: 'the aud of access tokens, in JWT_AUDIENCE or auth.audience',
      impact:
        'Every token that the key has signed is accepted: those of other audiences, and refresh tokens too.',
    },
  ];
}

function trustWarnings({ host, environment, trust }: Settings): ConfigurationWarning[] {
  if (trust.kind === 'none' && (!isLoopback(host) || environment === 'production')) {
    return [
      {
        variables: ['TRUST_PROXY', 'HOST'],
        expected: 'TRUST_PROXY with the address of the proxy in front',
        impact: 'All clients behind the proxy have its address, and share one rate limit.',
      },
    ];
  }
  if (trust.kind !== 'cidrs' || !trust.cidrs.some(isLargerThanPrivate)) return [];
  return [
    {
      variables: ['TRUST_PROXY'],
      expected: 'only the addresses of the proxies in front',
      impact: 'Any client chooses its own address by X-Forwarded-For, and with it its rate limit.',
    },
  ];
}

/** Private networks have at least this many bits: 10.0.0.0/8, fc00::/7. */
function isLargerThanPrivate(cidr: string): boolean {
  const [network = '', bits] = cidr.split('/');
  return bits !== undefined && Number(bits) < (network.includes(':') ? 7 : 8);
}

/** Whether only this machine reaches an address. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}
