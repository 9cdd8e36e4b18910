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

/** An encoded character that a path may also have raw, and that is not unreserved. */
const ENCODED_RESERVED = /%(?:2[1467-9A-C]|3[ABD]|40|5[BD]|7C)/gi;

/** Such a character, in either form. */
const RESERVED = /[!$&'()*+,:;=@[\]|]|%(?:2[1467-9A-C]|3[ABD]|40|5[BD]|7C)/i;

/** Whether a path has a character that is not unreserved and that it could have raw and encoded, such as `@`. */
export function hasReserved(path: string): boolean {
  return RESERVED.test(path);
}

/** A path as a service reads it that decodes before it routes: `/%40me` is `/@me`. Slashes and dots stay as they are. */
export function toDecodedPath(path: string): string {
  return toLookupPath(path).replaceAll(ENCODED_RESERVED, (encoded) =>
    String.fromCharCode(Number.parseInt(encoded.slice(1), 16)),
  );
}
