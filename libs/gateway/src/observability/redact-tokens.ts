/** Minimum characters of the three parts of a JWT. */
const HEADER = 8;
const PAYLOAD = 4;
const SIGNATURE = 8;

/** Minimum characters of a JWT: three parts and two dots. */
const SHORTEST_TOKEN = HEADER + PAYLOAD + SIGNATURE + 2;

const DOT = 0x2e;
const PERCENT = 0x25;

/** A run of base64url characters. */
interface Part {
  readonly start: number;
  readonly end: number;
}

/**
 * Replaces each JWT in a text by `[redacted]`. A JWT is three runs of base64url characters with a dot or `%2e` between
 * them. The time is linear in the text, since clients choose it.
 */
export function redactTokens(text: string): string {
  if (text.length < SHORTEST_TOKEN || !(text.includes('.') || text.includes('%'))) return text;
  let redacted = '';
  let copiedTo = 0;
  let parts: Part[] = [];
  let at = 0;
  while (at < text.length) {
    const end = partEnd(text, at);
    parts.push({ start: at, end });
    if (isToken(parts)) {
      redacted += `${text.slice(copiedTo, parts.at(-3)!.start)}[redacted]`;
      copiedTo = end;
      parts = [];
    }
    const dot = dotLength(text, end);
    if (dot === 0) parts = [];
    at = end + (dot || 1);
  }
  return copiedTo === 0 ? text : redacted + text.slice(copiedTo);
}

/** Whether the last three parts are long enough for a JWT. */
function isToken(parts: readonly Part[]): boolean {
  if (parts.length < 3) return false;
  const [header, payload, signature] = parts.slice(-3).map(({ start, end }) => end - start);
  return header! >= HEADER && payload! >= PAYLOAD && signature! >= SIGNATURE;
}

function partEnd(text: string, start: number): number {
  let end = start;
  while (end < text.length && isBase64Url(text.charCodeAt(end))) end++;
  return end;
}

/** Characters of the dot at a position: 1, 3 if it is percent-encoded, 0 if there is none. */
function dotLength(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code === DOT) return 1;
  return code === PERCENT && text.slice(at + 1, at + 3).toLowerCase() === '2e' ? 3 : 0;
}

function isBase64Url(code: number): boolean {
  const letter = code | 0x20;
  return (
    (letter >= 0x61 && letter <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x5f
  );
}
