import { holdsSecret } from './secret-names.js';

const HIDDEN = '(hidden)';

/** A word, or several in quotes, but not a single variable, which is no secret. */
const VALUE = String.raw`(?!\$\{?\w+\}?(?:\s|$))(?:"[^"]*"|'[^']*'|[^\s"']\S*)`;

/** User and password in an address. All lengths are bounded, so that matching takes linear time. */
const IN_ADDRESS = /([a-z][\w+.-]{0,30}:\/\/[^\s/@:]{0,200}:)[^\s/@]{1,1000}@/gi;

/** Arguments by which programs take a password. */
const IN_ARGUMENT = new RegExp(
  String.raw`((?:^|\s)(?:--pass|--password|(?:--)?requirepass|(?:--)?masterauth|redis-cli(?:\s+\S+){0,9}?\s-a)[= ])${VALUE}`,
  'g',
);

/** Arguments that are a password for some programs only. They are hidden, but are no finding. */
const MAYBE = new RegExp(String.raw`((?:^|\s)(?:-a |(?:-u|--user)[= ][^\s:]+:))${VALUE}`, 'g');

/** `NAME=value` in a command or a Dockerfile, and `NAME: value` in a compose file, up to the end of the line. */
const ASSIGNMENT = new RegExp(String.raw`\b(\w+)=${VALUE}`, 'g');
const ENTRY = /^(\w+): .+$/s;

/** A text with its passwords hidden. */
export function masked(text: string): string {
  return text
    .replaceAll(IN_ADDRESS, `$1${HIDDEN}@`)
    .replaceAll(IN_ARGUMENT, `$1${HIDDEN}`)
    .replaceAll(ASSIGNMENT, (whole, name: string) => (holdsSecret(name) ? `${name}=${HIDDEN}` : whole))
    .replace(ENTRY, (whole, name: string) => (holdsSecret(name) ? `${name}: ${HIDDEN}` : whole));
}

/** A text that is safe on a terminal: one line, without control characters and passwords. */
export function printable(text: string): string {
  return escaped(masked(text).replaceAll(MAYBE, `$1${HIDDEN}`));
}

/** Text as one line without control characters. */
export function escaped(text: string): string {
  // Also Unicode's line separators and marks of direction.
  return text.replaceAll(
    /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  );
}
