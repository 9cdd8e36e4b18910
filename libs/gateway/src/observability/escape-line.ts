/** C1 controls, which terminals obey (ECMA-48), and the two line separators that JSON leaves as they are (ECMA-262). */
const UNSAFE = /[\x80-\x9f\u2028\u2029]/g;

/** Escapes the controls in a line of JSON. `JSON.stringify` and pino escape only those below U+0020. */
export function escapeLine(json: string): string {
  // Nearly every line is ASCII, which contains none of them.
  if (Buffer.byteLength(json) === json.length) return json;
  return json.replaceAll(UNSAFE, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * Printable ASCII without quotation mark and reverse solidus, which stands in a string of JSON as it is (RFC 8259, section
 * 7).
 */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

/** A text as a string of JSON, with the controls escaped as in `escapeLine`. */
export function quote(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : escapeLine(JSON.stringify(text));
}
