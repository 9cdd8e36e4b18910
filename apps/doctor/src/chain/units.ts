const SECOND = 1_000;
const NGINX_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: SECOND,
  m: 60 * SECOND,
  h: 3_600 * SECOND,
  d: 86_400 * SECOND,
  w: 7 * 86_400 * SECOND,
  M: 30 * 86_400 * SECOND,
  y: 365 * 86_400 * SECOND,
};
/** As Go reads durations. */
const COMPOSE_MS: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: SECOND,
  m: 60 * SECOND,
  h: 3_600 * SECOND,
};
const KIB = 1024;

/** `60`, `60s`, `1m30s`: milliseconds; NaN where it is none. */
export function nginxMs(text: string): number {
  return /^\d+$/.test(text) ? Number(text) * SECOND : durationMs(text, NGINX_MS);
}

/** `45s`, `1m30s`: milliseconds; NaN where it is none. */
export function composeMs(text: string): number {
  return durationMs(text, COMPOSE_MS);
}

function durationMs(text: string, units: Readonly<Record<string, number>>): number {
  if (!/^(?:\d+(?:\.\d+)?[A-Za-z]+\s*)+$/.test(text)) return Number.NaN;
  return [...text.matchAll(/(\d+(?:\.\d+)?)([A-Za-z]+)/g)].reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * (units[unit!] ?? Number.NaN),
    0,
  );
}

/** `25m`, `512mb`, `2GiB`, `1024`: bytes; NaN where it is none. */
export function sizeBytes(text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text) ?? [];
  return Number(amount) * KIB ** ['', 'k', 'm', 'g', 't'].indexOf(unit?.toLowerCase() ?? '');
}

/** For people: `75 s`, `1 h`. */
export function sayMs(ms: number): string {
  for (const [unit, size] of [
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
  ] as const) {
    if (ms >= size && ms % size === 0) return `${ms / size} ${unit}`;
  }
  return `${ms} ms`;
}

/** For people: `25 MiB`. */
export function sayBytes(bytes: number): string {
  for (const [unit, power] of [
    ['GiB', 3],
    ['MiB', 2],
    ['KiB', 1],
  ] as const) {
    if (bytes >= KIB ** power) return `${Number((bytes / KIB ** power).toFixed(1))} ${unit}`;
  }
  return `${bytes} bytes`;
}
