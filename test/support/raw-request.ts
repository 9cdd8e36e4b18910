import { bearer } from './gateway.js';

interface RawRequestOptions {
  /** Names and values beside Host and a valid token. */
  readonly headers?: Readonly<Record<string, string | number>>;
  /** The bytes after the headers. The headers must announce them. */
  readonly body?: string;
  readonly version?: '1.0' | '1.1';
}

/** The bytes of a request with a valid token: `rawRequest('GET /v1/auth/profile')`. */
export function rawRequest(
  target: string,
  { headers = {}, body = '', version = '1.1' }: RawRequestOptions = {},
): string {
  const fields = Object.entries({ Host: 'gateway', ...bearer(), ...headers });
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return `${target} HTTP/${version}\r\n${lines}\r\n${body}`;
}
