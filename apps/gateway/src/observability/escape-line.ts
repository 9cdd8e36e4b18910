/** C1 controls, by which a terminal can be steered (ECMA-48), and two ends of a line that JSON lets stand (ECMA-262). */
const UNSAFE = /[\x80-\x9f\u2028\u2029]/g;

/** A line of JSON with all controls escaped: `JSON.stringify` and pino escape those below U+0020 alone. */
export function escapeLine(json: string): string {
  // Nearly every line is ASCII, and has none.
  if (Buffer.byteLength(json) === json.length) return json;
  return json.replaceAll(UNSAFE, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
