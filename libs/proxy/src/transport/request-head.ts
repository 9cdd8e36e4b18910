/** Methods whose requests have a meaning for a body: without one they announce its length 0 (RFC 9110, section 8.6). */
const WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/** The parts of a head that do not come from the client. */
export interface RequestHeadOptions {
  /** `Host` of a request that has none, as in HTTP/1.0. */
  readonly host: string;
  /** Length of the body in bytes; undefined if it goes out in chunks. */
  readonly length: number | undefined;
  /** Whether the connection closes behind the response. */
  readonly closesConnection: boolean;
  /** Whether the client takes trailers (RFC 9110, section 10.1.4). Default: no. */
  readonly takesTrailers?: boolean;
  /** Whether the service is to respond with 100 before the body is sent. Default: no. */
  readonly expectsContinue?: boolean;
  /** Names of trailers behind a body in chunks. Default: none. */
  readonly trailerNames?: string;
}

/**
 * Formats the head of a GET that asks for another protocol (RFC 9110, section 7.8).
 * @param fields name, value, name, value, of valid bytes, with a `Host`
 */
export function formatUpgradeHead(target: string, fields: readonly string[], protocol: string): string {
  return `GET ${target} HTTP/1.1\r\n${formatFields(fields)}Connection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`;
}

/** Formats fields, each on its line. @param fields name, value, name, value, of valid bytes */
export function formatFields(fields: readonly string[]): string {
  let text = '';
  for (let index = 0; index < fields.length; index += 2)
    text += `${fields[index]!}: ${fields[index + 1]!}\r\n`;
  return text;
}

/**
 * Formats the head of a request (RFC 9112, sections 3 and 5). The fields go out as they are; `Content-Length` and `Host` are
 * added if they are missing.
 * @param fields name, value, name, value, of valid bytes
 */
export function formatRequestHead(
  method: string,
  target: string,
  fields: readonly string[],
  options: RequestHeadOptions,
): string {
  const {
    host,
    length,
    closesConnection,
    takesTrailers = false,
    trailerNames = '',
    expectsContinue = false,
  } = options;
  let head = `${method} ${target} HTTP/1.1\r\n`;
  let hasHost = false;
  let hasLength = false;
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index]!;
    if (name.length === 4) hasHost ||= name.toLowerCase() === 'host';
    else if (name.length === 14) hasLength ||= name.toLowerCase() === 'content-length';
    head += `${name}: ${fields[index + 1]!}\r\n`;
  }
  if (!hasHost) head += `Host: ${host}\r\n`;
  if (length === undefined) {
    head += 'Transfer-Encoding: chunked\r\n';
    if (trailerNames !== '') head += `Trailer: ${trailerNames}\r\n`;
  } else if (!hasLength && (length > 0 || WITH_BODY.has(method))) {
    head += `Content-Length: ${length}\r\n`;
  }
  if (expectsContinue) head += 'Expect: 100-continue\r\n';
  const connection = closesConnection ? 'close' : 'keep-alive';
  if (takesTrailers) return `${head}TE: trailers\r\nConnection: TE, ${connection}\r\n\r\n`;
  return `${head}Connection: ${connection}\r\n\r\n`;
}
