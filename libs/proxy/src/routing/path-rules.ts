/**
 * One character of a path segment, raw or percent-encoded, that every server reads the same way. Excluded, so that the
 * gateway and the service never read two different paths:
 * - encoded `/`, `\`, `.`, NUL and control bytes, which some servers decode before they route;
 * - encoded letters, digits, `-`, `_`, `~`: `/files/%61dmin` is `/files/admin` for some servers (RFC 3986, section 6.2.2.2
 *   calls the two equivalent), and not for others;
 * - an encoded `%`, which a server that decodes twice turns into any of the above;
 * - encoded bytes that are not UTF-8;
 * - raw `;`, which some servers strip with the rest of the path, raw `\`, `#`, blanks and bytes past ASCII.
 *
 * Raw `[`, `]` and `|` pass, though RFC 3986, section 3.3, excludes them: browsers send them.
 */
const SEGMENT_CHARACTER =
  "(?:[A-Za-z0-9._~!$&'()*+,=:@|[\\]-]|%(?:2[0-46-9A-Ca-c]|3[A-Fa-f]|40|5[BDEbde]|60|7[B-Db-d]|[89A-Fa-f][0-9A-Fa-f]))";

/**
 * `/`, or segments that are neither empty nor `.` nor `..`; an empty last one (trailing slash) is unambiguous. `..%3B` is `..` for
 * a server that decodes it and strips the parameters of a segment.
 */
export const UNAMBIGUOUS_PATH = new RegExp(`^(?:/(?!\\.{1,2}(?:/|%3[Bb]|$))${SEGMENT_CHARACTER}+)*/?$`);

/**
 * Whether every server reads this raw path the same way. The proxy refuses all other paths with 400, but those that the
 * route allows (`isAllowedPath`). It does not normalise them: another server may normalise in another way.
 */
export function isUnambiguousPath(path: string): boolean {
  return path.charCodeAt(0) === 0x2f && UNAMBIGUOUS_PATH.test(path) && isUtf8(path);
}

/** An encoded byte past ASCII. */
const HIGH_BYTE = /%[89A-Fa-f]/;

/**
 * Whether encoded bytes past ASCII are well-formed UTF-8 (RFC 3629, section 4). Servers decode malformed bytes in different
 * ways: an overlong sequence (`%c0%af`, for some servers `/`), a surrogate (`%ed%a0%80`), a code point past U+10FFFF, a byte
 * on its own (`%ff`).
 */
export function isUtf8(path: string): boolean {
  if (!path.includes('%') || !HIGH_BYTE.test(path)) return true;
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}

/**
 * The characters of a query (RFC 3986, section 3.4), and others that browsers send raw: `[`, `]`, `^`, backtick, `{`, `|`
 * and `}`. Not `"`, `#`, `<`, `>` and `\`. A lone `%` passes.
 */
const QUERY = /^[!$-;=?-[\]-~]*$/;

/** Whether a request target has no query, or a query of valid characters. */
export function isValidQuery(target: string): boolean {
  const query = target.indexOf('?');
  return query === -1 || QUERY.test(target.slice(query + 1));
}

/** The path of a request target, without its query. */
export function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query === -1 ? target : target.slice(0, query);
}
