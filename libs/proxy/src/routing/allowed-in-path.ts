import { toLookupPath } from './lookup-path.js';
import { isUtf8 } from './path-rules.js';
import type { AllowedInPath } from './route-options.js';

const FORMS: Readonly<Record<AllowedInPath, RegExp>> = {
  encodedSlash: /%2F/i,
  encodedPercent: /%25/,
  emptySegment: /\/\//,
  encodedBackslash: /%5C/i,
  semicolon: /;/,
};

/** All that a route can allow. */
export const ALLOWABLE = Object.keys(FORMS) as AllowedInPath[];

/**
 * The characters of an unambiguous path, `;`, and all encoded bytes but controls and the dot. Not `//` at the start: some
 * services read the host of a URL behind it (RFC 3986, section 4.2).
 */
const PATH = /^\/(?!\/)(?:[A-Za-z0-9._~!$&'()*+,=:@|[\];/-]|%(?!2E|7F)[2-9A-F][0-9A-F])*$/i;

/** What some servers take for the end of a segment. */
const SEGMENT_END = /[/;]|%2F|%3B|%5C/i;

/**
 * Whether a path that is not unambiguous is valid, and all that is ambiguous in it is allowed. Encoded unreserved characters
 * need no allowance, since the route was looked up by what they stand for.
 */
export function isAllowedPath(path: string, allowed: readonly AllowedInPath[]): boolean {
  if (!PATH.test(path) || !isUtf8(path) || hasDotSegment(path)) return false;
  return ALLOWABLE.every((name) => allowed.includes(name) || !FORMS[name].test(path));
}

/**
 * Whether a server that decodes slashes and backslashes, cuts off semicolons or decodes many times would find `.` or `..` for
 * a segment, or an encoded dot. No route can allow these.
 */
function hasDotSegment(path: string): boolean {
  const decoded = path.includes('%25') ? decodeRepeatedly(path) : toLookupPath(path);
  return (
    /%2E/i.test(decoded) || decoded.split(SEGMENT_END).some((segment) => segment === '.' || segment === '..')
  );
}

/** A percent sign or an unreserved character but the dot. */
const DECODED_AGAIN = /^[%A-Za-z0-9_~-]$/;

/** A path whose percent signs and unreserved characters are decoded until none is left encoded, in one pass. */
function decodeRepeatedly(path: string): string {
  const decoded: string[] = [];
  for (const character of path) {
    decoded.push(character);
    while (decoded.at(-3) === '%') {
      const byte = Number.parseInt(decoded.at(-2)! + decoded.at(-1)!, 16);
      if (!DECODED_AGAIN.test(String.fromCharCode(byte))) break;
      decoded.splice(-3, 3, String.fromCharCode(byte));
    }
  }
  return decoded.join('');
}
