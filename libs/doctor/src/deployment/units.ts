import { UnreadableError } from '../files/unreadable.error.js';
import type { Sourced } from '../files/sourced.js';

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
/** The units of Go's durations. */
const COMPOSE_MS: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: SECOND,
  m: 60 * SECOND,
  h: 3_600 * SECOND,
};
const KIB = 1024;

/** `60`, `60s`, `1m 30s`: milliseconds. @throws UnreadableError at any other text */
export function nginxMs(source: Sourced<string>): Sourced<number> {
  const { value } = source;
  return parsed(
    source,
    /^\d+$/.test(value) ? Number(value) * SECOND : durationMs(value, NGINX_MS),
    'duration',
  );
}

/** `45s`, `1m30s`: milliseconds. @throws UnreadableError at any other text */
export function composeMs(source: Sourced<string>): Sourced<number> {
  return parsed(source, durationMs(source.value, COMPOSE_MS), 'duration, such as 45s');
}

/** `25m`, `512mb`, `2GiB`, `1024`: bytes. @throws UnreadableError at any other text */
export function sizeBytes(source: Sourced<string>): Sourced<number> {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(source.value) ?? [];
  return parsed(source, Number(amount) * KIB ** ['', 'k', 'm', 'g', 't'].indexOf(unit.toLowerCase()), 'size');
}

/** A whole number, 0 or more. @throws UnreadableError at any other text */
export function count(source: Sourced<string>): Sourced<number> {
  return parsed(source, /^\d+$/.test(source.value) ? Number(source.value) : Number.NaN, 'number');
}

function parsed(source: Sourced<string>, value: number, kind: string): Sourced<number> {
  if (Number.isNaN(value)) throw new UnreadableError(source.at, `${source.text} is no ${kind}`);
  return { ...source, value };
}

function durationMs(text: string, units: Readonly<Record<string, number>>): number {
  if (text === '0') return 0;
  if (!/^(?:\d+(?:\.\d+)?[A-Za-z]+ *)+$/.test(text)) return Number.NaN;
  return [...text.matchAll(/(\d+(?:\.\d+)?)([A-Za-z]+)/g)].reduce(
    (sum, [, amount, unit]) =>
      sum + Number(amount) * (Object.hasOwn(units, unit!) ? units[unit!]! : Number.NaN),
    0,
  );
}

/** A duration in words: `75 s`, `1 h`. */
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

/** A size in words: `25 MiB`. */
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
