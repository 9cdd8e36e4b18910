import type { AllowedInPath } from './route-options.js';

/** The characters, once they are percent-encoded, that a parameter of the path has only on routes that allow them. */
const EXCLUDED: readonly (readonly [character: string, allowance: AllowedInPath])[] = [
  ['%', 'encodedPercent'],
  ['/', 'encodedSlash'],
  ['\\\\', 'encodedBackslash'],
];

/**
 * The JSON Schema pattern of the values of a parameter that the gateway does not refuse as ambiguous: no controls, not `.` or
 * `..`, and no character that the route would have to allow. Dots beside allowed slashes are left out: those get 400 all the
 * same.
 */
export function parameterPattern(allowed: readonly AllowedInPath[] = []): string {
  const excluded = EXCLUDED.filter(([, allowance]) => !allowed.includes(allowance));
  return `^(?!\\.{1,2}$)[^\\u0000-\\u001f\\u007f${excluded.map(([character]) => character).join('')}]+$`;
}
