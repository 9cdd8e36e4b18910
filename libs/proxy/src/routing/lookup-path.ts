/** An encoded unreserved character but the dot, or an encoded byte with a digit in lower case. */
const VARIANT = /%(?:2D|3[0-9]|4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE]|[0-9A-F]?[a-f])/;

/** A percent-encoded byte. */
const ENCODED_BYTE = /%[0-9A-Fa-f]{2}/g;

/** The unreserved characters but the dot (RFC 3986, section 2.3). */
const UNRESERVED = /^[A-Za-z0-9_~-]$/;

/**
 * A path in the one form that the route table looks up: encoded unreserved characters are decoded and the digits of other
 * encoded bytes are in upper case, since RFC 3986, section 6.2.2, calls these forms equivalent. All else stays as it is:
 * `%2F` is no slash, and no segment begins or ends that did not before. For the look-up only; services get the path as sent.
 */
export function toLookupPath(path: string): string {
  return path.includes('%') && VARIANT.test(path) ? path.replaceAll(ENCODED_BYTE, normalizeByte) : path;
}

function normalizeByte(encoded: string): string {
  const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
  return UNRESERVED.test(character) ? character : encoded.toUpperCase();
}
