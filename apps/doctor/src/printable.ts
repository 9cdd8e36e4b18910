import { holdsSecret } from './secret-names.js';

const HIDDEN = '(hidden)';

/** A word, or several in quotes; a variable alone is no secret. */
const VALUE = String.raw`(?!\$\{?\w+\}?(?:\s|$))(?:"[^"]*"|'[^']*'|[^\s"']\S*)`;

/** User and password of an address. Each part has an end, so that no text takes long. */
const IN_ADDRESS = /([a-z][\w+.-]{0,30}:\/\/[^\s/@:]{0,200}:)[^\s/@]{1,1000}@/gi;

/** How programs take a password as an argument. */
const IN_ARGUMENT = new RegExp(
  String.raw`((?:^|\s)(?:--pass|--password|(?:--)?requirepass|(?:--)?masterauth|redis-cli(?:\s+\S+){0,9}?\s-a)[= ])${VALUE}`,
  'g',
);

/** What may be one, and elsewhere is an address or a number: hidden, and no finding. */
const MAYBE = new RegExp(String.raw`((?:^|\s)(?:-a |(?:-u|--user)[= ][^\s:]+:))${VALUE}`, 'g');

/** `NAME=value` in a command or a Dockerfile, `NAME: value` of a compose file, which ends with its line. */
const ASSIGNMENT = new RegExp(String.raw`\b(\w+)=${VALUE}`, 'g');
const ENTRY = /^(\w+): .+$/s;

/** Commands and variables without the passwords in them. */
export function masked(text: string): string {
  return text
    .replaceAll(IN_ADDRESS, `$1${HIDDEN}@`)
    .replaceAll(IN_ARGUMENT, `$1${HIDDEN}`)
    .replaceAll(ASSIGNMENT, (whole, name: string) => (holdsSecret(name) ? `${name}=${HIDDEN}` : whole))
    .replace(ENTRY, (whole, name: string) => (holdsSecret(name) ? `${name}: ${HIDDEN}` : whole));
}

/** What a file says as a terminal may show it: one line, no control characters, no passwords. */
export function printable(text: string): string {
  return escaped(masked(text).replaceAll(MAYBE, `$1${HIDDEN}`));
}

/** Text as one line without control characters. */
export function escaped(text: string): string {
  // Also those that end a line, or turn its direction.
  return text.replaceAll(
    /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  );
}
