import { escaped } from '@app/doctor';
import type { HeaderRuleOptions, HeaderValue } from '@app/proxy';

/** Headers whose values are secrets, or new with each request. */
const HIDDEN = /^(?:authorization|cookie|set-cookie|proxy-authorization)$/i;
const PER_REQUEST = /^(?:x-request-id|x-ratelimit-(?:remaining|reset))$/i;

/** Fields as `Name: value`, without secrets. @param fields name, value, name, value */
export function hideSecrets(fields: readonly string[]): string[] {
  const shown: string[] = [];
  for (let index = 0; index < fields.length; index += 2) {
    const [name, value] = [fields[index]!, fields[index + 1]!];
    const text = HIDDEN.test(name) ? '(hidden)' : PER_REQUEST.test(name) ? '(of each request)' : value;
    shown.push(`${name}: ${escaped(text)}`);
  }
  return shown;
}

/** The fields that the gateway adds to a request and removes from it. @param given those of the client */
export function changesOf(given: readonly string[], sent: readonly string[]) {
  const [before, after] = [hideSecrets(given), hideSecrets(sent)];
  return {
    added: after.filter((field) => !before.includes(field)),
    removed: before.filter((field) => !after.includes(field)),
  };
}

/** The header rules of an upstream and of a route, in words. */
export function rulesOf(
  upstream: HeaderRuleOptions,
  route: HeaderRuleOptions,
  direction: keyof HeaderRuleOptions,
): string[] {
  return [upstream, route].flatMap((options) => {
    const { set = {}, add = {}, remove = [] } = options[direction] ?? {};
    return [
      ...Object.entries(set).map(([name, value]) => `sets ${name}: ${sayValue(value)}`),
      ...Object.entries(add).map(([name, value]) => `adds ${name}: ${sayValue(value)}`),
      ...remove.map((name) => `removes ${name}`),
    ];
  });
}

function sayValue(value: HeaderValue): string {
  return typeof value === 'string' ? escaped(value) : `(${value.from})`;
}
