import { styleText } from 'node:util';
import { describePlace } from './chain/said.js';
import type { Finding, Report } from './examine.js';

type Style = Parameters<typeof styleText>[0];

/** Colours where the stream is a terminal and NO_COLOR is not set. */
const paint = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout });

/** For people: a block for each finding, its places as a table. */
export function toText({ findings, notices, rules }: Report): string {
  const blocks = findings.map(describe);
  const sum =
    findings.length === 0
      ? paint('green', `${rules.length} rules hold.`)
      : paint('red', `${findings.length} ${findings.length === 1 ? 'finding' : 'findings'}.`);
  return [...blocks, ...notices.map((notice) => paint('dim', `note: ${notice}`)), sum].join('\n');
}

function describe({ rule, places, wants, breaks }: Finding): string {
  const rows = places.map(({ at, says }) => [describePlace(at), says] as const);
  const width = Math.max(...rows.map(([place]) => place.length));
  return [
    paint(['bold', 'yellow'], rule),
    ...rows.map(([place, says]) => `  ${paint('cyan', place.padEnd(width))}  ${says}`),
    `  wants   ${wants}`,
    `  breaks  ${breaks}`,
    '',
  ].join('\n');
}

/** For machines: findings with their places as file and line. */
export function toJson({ findings, notices, rules }: Report): string {
  const plain = findings.map(({ rule, places, wants, breaks }) => ({
    rule,
    places: places.map(({ at: { file, line }, says }) => ({ file, line: line ?? null, says })),
    wants,
    breaks,
  }));
  return JSON.stringify({ findings: plain, notices, rules }, undefined, 2);
}
