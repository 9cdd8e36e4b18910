import type { Settings } from './complete-settings.js';
import type { VariableValues } from './settings.js';

/** Incompatible settings that the gateway can run with. */
export interface ConfigurationWarning {
  /** Their variables: the first is the one to change. */
  readonly variables: readonly [keyof VariableValues, ...(keyof VariableValues)[]];
  /** What would be compatible. */
  readonly expected: string;
  /** What happens otherwise. */
  readonly impact: string;
}

/** What the gateway can see of itself alone; the files around it are the doctor's to read. */
export function warningsFor(config: Settings): ConfigurationWarning[] {
  return [...clockWarnings(config), ...memoryWarnings(config), ...trustWarnings(config)];
}

function clockWarnings({ proxy }: Settings): ConfigurationWarning[] {
  const leastMs = leastDeadlineMs(proxy);
  if (proxy.requestTimeoutMs >= leastMs) return [];
  return [
    {
      variables: ['REQUEST_TIMEOUT_MS', 'RESPONSE_HEADERS_TIMEOUT_MS', 'CONNECT_TIMEOUT_MS', 'MAX_RETRIES'],
      expected: `REQUEST_TIMEOUT_MS of ${leastMs} or more: every attempt may use up its time to connect, the last one its time to answer`,
      impact: 'The deadline ends the last attempt, while the service still has time to answer it.',
    },
  ];
}

/** Milliseconds that a request may take with every attempt's connection and the last one's answer. */
export function leastDeadlineMs({
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
      expected: `WEBSOCKET_MAX_BUFFER_BYTES of ${bytes} or more, which all sockets share`,
      impact: 'One socket that uses what it may is closed with 1013 for want of memory.',
    }));
}

function trustWarnings({ proxy, trust }: Settings): ConfigurationWarning[] {
  if (trust.kind === 'none' && proxy.network === 'compose') {
    return [
      {
        variables: ['TRUST_PROXY', 'ENV'],
        expected: 'TRUST_PROXY with the address of the proxy in front',
        impact: 'All clients behind the proxy count as one, and share one rate limit.',
      },
    ];
  }
  if (trust.kind !== 'cidrs' || !trust.cidrs.some(isOfTheWorld)) return [];
  return [
    {
      variables: ['TRUST_PROXY'],
      expected: 'the addresses of the proxies in front alone',
      impact: 'Any client chooses its own address by X-Forwarded-For, and with it its rate limit.',
    },
  ];
}

/** No network of anybody's own is larger: 10.0.0.0/8, fc00::/7. */
function isOfTheWorld(cidr: string): boolean {
  const [network = '', bits] = cidr.split('/');
  return bits !== undefined && Number(bits) < (network.includes(':') ? 7 : 8);
}
