/**
 * One character of a path segment, or one that is percent-encoded and means the same to every server.
 * Left out on purpose, so that the gateway and the service can never read two different paths:
 * - encoded `/`, `\`, `.`, NUL and control bytes, which some servers decode before they route;
 * - encoded letters, digits, `-`, `_`, `~`: `/files/%61dmin` would match `/files/:id` here and
 *   `/files/admin` there (RFC 3986, section 6.2.2.2 calls the two equivalent);
 * - an encoded `%`, which a server that decodes twice turns into any of the above;
 * - encoded bytes that are no UTF-8;
 * - raw `;`, which some servers strip with all that follows, raw `\`, `#`, blanks and bytes past ASCII.
 *
 * Raw `[`, `]` and `|` are no characters of a path (RFC 3986, section 3.3), and pass: browsers send them so.
 */
const SEGMENT_CHARACTER =
  "(?:[A-Za-z0-9._~!$&'()*+,=:@|[\\]-]|%(?:2[0-46-9A-Ca-c]|3[A-Fa-f]|40|5[BDEbde]|60|7[B-Db-d]|[89A-Fa-f][0-9A-Fa-f]))";

/** `/`, or segments that are neither empty nor `.` nor `..`; an empty last one (trailing slash) is unambiguous. */
export const UNAMBIGUOUS_PATH = new RegExp(`^(?:/(?!\\.{1,2}(?:/|$))${SEGMENT_CHARACTER}+)*/?$`);

/**
 * Whether every server reads this raw path the same way. The proxy refuses all others with 400 before it
 * looks for a route: normalising would only add one more opinion.
 */
export function isUnambiguousPath(path: string): boolean {
  return path.charCodeAt(0) === 0x2f && UNAMBIGUOUS_PATH.test(path) && isUtf8(path);
}

/** An encoded byte past ASCII. */
const HIGH_BYTE = /%[89A-Fa-f]/;

/**
 * Whether encoded bytes past ASCII are well-formed UTF-8 (RFC 3629, section 4). An overlong sequence (`%c0%af`, which some
 * servers read as `/`), a surrogate (`%ed%a0%80`), one past U+10FFFF and a byte on its own (`%ff`) are not: each server
 * makes another character of them.
 */
function isUtf8(path: string): boolean {
  if (!HIGH_BYTE.test(path)) return true;
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

/**
 * The characters of a query (RFC 3986, section 3.4), and those that browsers send raw though it does not hold them: `[`,
 * `]`, `^`, backtick, `{`, `|` and `}`. Not `"`, `#`, `<`, `>` and `\`. A lone `%` passes.
 */
const QUERY = /^[!$-;=?-[\]-~]*$/;

/** Whether a request target, behind its path, is no query or one that a target may hold. */
export function isValidQuery(target: string): boolean {
  const query = target.indexOf('?');
  return query === -1 || QUERY.test(target.slice(query + 1));
}

/** The path of a request target, without its query. */
export function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query === -1 ? target : target.slice(0, query);
}
