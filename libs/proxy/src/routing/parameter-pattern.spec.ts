import { isAllowedPath } from './allowed-in-path.js';
import { parameterPattern } from './parameter-pattern.js';
import { isUnambiguousPath } from './path-rules.js';
import type { AllowedInPath } from './route-options.js';

const CHARACTERS = Array.from({ length: 0x180 }, (_, code) => String.fromCodePoint(code));
const VALUES = [
  ...CHARACTERS,
  ...CHARACTERS.map((character) => `a${character}b`),
  '..',
  '...',
  '.a',
  '€',
  '😀',
];

/** The values, as clients encode them, that the gateway passes and that the pattern matches. */
function agreementOf(allowed: readonly AllowedInPath[], passes: (path: string) => boolean): [string, string] {
  const pattern = new RegExp(parameterPattern(allowed), 'u');
  const list = (isIn: (value: string) => boolean): string => JSON.stringify(VALUES.filter(isIn));
  return [
    list((value) => passes(`/files/${encodeURIComponent(value)}`)),
    list((value) => pattern.test(value)),
  ];
}

describe('the pattern of a parameter', () => {
  it('matches exactly the values that are unambiguous in a path', () => {
    const [passing, matching] = agreementOf([], isUnambiguousPath);

    expect(matching).toBe(passing);
  });

  it.each<AllowedInPath>(['encodedSlash', 'encodedPercent', 'encodedBackslash', 'semicolon', 'emptySegment'])(
    'has what %s allows',
    (allowance) => {
      const [passing, matching] = agreementOf(
        [allowance],
        (path) => isUnambiguousPath(path) || isAllowedPath(path, [allowance]),
      );

      expect(matching).toBe(passing);
    },
  );
});
