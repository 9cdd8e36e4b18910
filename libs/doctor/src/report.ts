import { styleText } from 'node:util';
import { describeLocation } from './files/sourced.js';
import type { Finding, Report } from './examine.js';

type Style = Parameters<typeof styleText>[0];

/** Adds colours if standard output is a terminal and NO_COLOR is not set. */
const paint = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout });

/** The report as text: a block for each finding, with its places as a table. */
export function toText({ findings, notices, rules }: Report): string {
  const blocks = findings.map(describe);
  const sum =
    findings.length === 0
      ? paint('green', `${rules.length} rules hold.`)
      : paint('red', `${findings.length} ${findings.length === 1 ? 'finding' : 'findings'}.`);
  return [...blocks, ...notices.map((notice) => paint('dim', `note: ${notice}`)), sum].join('\n');
}

function describe({ rule, places, expected, impact }: Finding): string {
  const rows = places.map(({ at, text }) => [describeLocation(at), text] as const);
  const width = Math.max(...rows.map(([place]) => place.length));
  return [
    paint(['bold', 'yellow'], rule),
    ...rows.map(([place, text]) => `  ${paint('cyan', place.padEnd(width))}  ${text}`),
    `  expected  ${expected}`,
    `  impact    ${impact}`,
    '',
  ].join('\n');
}

/** The report as JSON: findings with their places as file and line. */
export function toJson({ findings, notices, rules }: Report): string {
  const plain = findings.map(({ rule, places, expected, impact }) => ({
    rule,
    places: places.map(({ at: { file, line }, text }) => ({ file, line: line ?? null, text })),
    expected,
    impact,
  }));
  return JSON.stringify({ findings: plain, notices, rules }, undefined, 2);
}
