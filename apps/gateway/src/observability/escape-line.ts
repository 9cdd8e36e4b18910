/** C1 controls, which terminals obey (ECMA-48), and the two line separators that JSON leaves as they are (ECMA-262). */
const UNSAFE = /[\x80-\x9f\u2028\u2029]/g;

/** Escapes the controls in a line of JSON. `JSON.stringify` and pino escape only those below U+0020. */
export function escapeLine(json: string): string {
  // Nearly every line is ASCII, which contains none of them.
  if (Buffer.byteLength(json) === json.length) return json;
  return json.replaceAll(UNSAFE, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
